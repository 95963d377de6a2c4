export type Author = { name: string; email: string }

/** Author and committer of what we write, as git takes them. */
export function identityVariables({ name, email }: Author): Record<string, string> {
  return { GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email, GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email }
}
