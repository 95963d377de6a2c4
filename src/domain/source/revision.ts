/** What a source was synced to: a branch and a commit of 40 hex digits. */
export type Revision = { branch: string; commit: string }

/** `branch@<40 hex>`. */
export function printRevision({ branch, commit }: Revision): string {
  return `${branch}@${commit}`
}

/** Reads what {@link printRevision} prints; a branch may hold `@`. Undefined for anything else. */
export function parseRevision(text: string): Revision | undefined {
  const [, branch, commit] = /^(.+)@([0-9a-f]{40})$/s.exec(text) ?? []
  return branch !== undefined && commit !== undefined ? { branch, commit } : undefined
}
