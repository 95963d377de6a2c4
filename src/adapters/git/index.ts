/** How to reach a repository. Secrets come from files or the environment, never from a job. */
export type GitRemote = {
  /** https, http, ssh, or scp-like. Local paths and file:// only when `allowLocal` was given to createGit. */
  url: string
  auth?:
    | { kind: 'basic'; username: string; password: string }
    | { kind: 'ssh'; privateKeyFile: string; knownHostsFile?: string }
}

export type TreeFile = {
  /** Path from the repository root, with `/`. */
  path: string
  /** git blob id: equal ids are equal bytes. */
  blob: string
  mode: 'file' | 'executable' | 'symlink' | 'submodule'
}

export type Edit = {
  path: string
  /** Whole new content of the file. */
  content: string
}

export type CommitRequest = {
  branch: string
  /** The commit that the edits were made on. When the branch has moved past it the answer is `moved`. */
  base: string
  edits: readonly Edit[]
  message: string
  author: { name: string; email: string }
}

/**
 * Git over one bare mirror per remote. Errors are AppError: GitUnreachable, GitAuthFailed, GitRefNotFound, PathNotFound.
 * Every call has the timeout given to createGit and takes the job's signal. URLs in messages never show a password.
 */
export type Git = {
  /** Brings the mirror up to date; the first call clones. Gives every branch and tag with its commit. */
  fetch(remote: GitRemote, signal?: AbortSignal): Promise<Map<string, string>>
  /** Resolves a branch, tag or (short) commit in the mirror as last fetched to its 40 hex; GitRefNotFound otherwise. Never fetches. */
  resolve(remote: GitRemote, ref: string, signal?: AbortSignal): Promise<string>
  /** The files of a commit below the given paths (all when empty), sorted by path. A path that does not exist is PathNotFound. */
  tree(remote: GitRemote, commit: string, paths: readonly string[], signal?: AbortSignal): Promise<TreeFile[]>
  /** Contents of blobs by id. Unknown ids are an error. */
  read(remote: GitRemote, blobs: readonly string[], signal?: AbortSignal): Promise<Map<string, Uint8Array>>
  /** Writes the files below `path` of a commit into an empty directory. Symbolic links are not written. */
  export(remote: GitRemote, commit: string, path: string, directory: string, signal?: AbortSignal): Promise<void>
  /** Commits the edits on top of `base` and pushes. `moved`: the branch is elsewhere, fetch and decide again. `empty`: nothing differs. */
  commitAndPush(
    remote: GitRemote,
    request: CommitRequest,
    signal?: AbortSignal,
  ): Promise<{ result: 'pushed'; commit: string } | { result: 'moved' } | { result: 'empty' }>
  /** Messages of the commits reachable from `to` and not from `from`, newest first, at most `limit`. */
  log(
    remote: GitRemote,
    range: { from?: string; to: string; limit: number },
    signal?: AbortSignal,
  ): Promise<{ commit: string; message: string }[]>
}
