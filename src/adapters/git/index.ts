import type { Logger } from '../../lib/logger.ts'
import { createAnswers } from './answers.ts'
import { type ChangeBranch, createBranchChanges } from './change-branch.ts'
import { fetchInto } from './clone.ts'
import { type CommitRequest, type CommitResult, commitAndPush } from './commit.ts'
import { exportFiles } from './export-files.ts'
import type { Command } from './command.ts'
import { createFetches, type FetchOptions } from './fetches.ts'
import { type LogEntry, type LogRange, readLog } from './log.ts'
import { createMirrors } from './mirror.ts'
import { readNotes } from './notes.ts'
import { listTree, readBlobs, type TreeFile } from './objects.ts'
import { belowPaths } from './paths.ts'
import { listRefs, listTags, resolveRef } from './refs.ts'
import { type Relation, relate } from './relation.ts'
import { type GitRemote, reach } from './remote.ts'
import { checkWrite, moveTag, type ReadTag, readTag, type TagMove } from './tag.ts'
import type { AddressesOf } from './route.ts'
import { tidy } from './tidy.ts'
import { isUntouched, readTouched } from './touched.ts'
import { type Verified, type VerifyRequest, verifyCommits } from './verify.ts'

export type { BranchChange, ChangeResult } from './change-branch.ts'
export type { CommitRequest, CommitResult } from './commit.ts'
export { createGithubApp, type GithubApp } from './github-app.ts'
export type { TreeFile } from './objects.ts'
export type { Relation } from './relation.ts'
export { readOnly } from './read-only.ts'
export type { GitRemote } from './remote.ts'
export type { TagMove } from './tag.ts'
export type { Verified, VerifyRequest } from './verify.ts'
export type { Edit } from './write-commit.ts'

/**
 * Git over one bare mirror per remote. Errors are AppError: GitUnreachable, GitAuthFailed, GitRefNotFound, PathNotFound,
 * GitPushRefused, SignatureInvalid, SigningFailed. Every call has the timeout given to createGit and takes the job's signal, whose reason it rejects with. URLs in
 * messages never show a password.
 */
export type Git = {
  /**
   * Brings the mirror up to date; the first call clones. Gives every branch and tag by its full name (`refs/heads/main`,
   * `refs/tags/v1`) with its commit. Who asks while another waits for its fetch to begin shares it; `maxAgeMs`: one that began no longer
   * ago is as good as a new one. `isPoll`: nobody waits for it.
   */
  fetch(remote: GitRemote, signal?: AbortSignal, options?: FetchOptions): Promise<Map<string, string>>
  /** Resolves a branch, tag, (short) commit or `HEAD` in the mirror as last fetched to its 40 hex; GitRefNotFound otherwise. Never fetches. */
  resolve(remote: GitRemote, ref: string, signal?: AbortSignal): Promise<string>
  /** The files of a commit below the given paths (all when empty), sorted by path. A path that does not exist is PathNotFound. Shared: do not change it. */
  tree(remote: GitRemote, commit: string, paths: readonly string[], signal?: AbortSignal): Promise<readonly TreeFile[]>
  /** Contents of blobs by id. Unknown ids are an error. */
  read(remote: GitRemote, blobs: readonly string[], signal?: AbortSignal): Promise<Map<string, Uint8Array>>
  /** Writes the files below `path` of a commit into an empty directory; copies where links lead to what is in the repository, and no other links. */
  export(remote: GitRemote, commit: string, path: string, directory: string, signal?: AbortSignal): Promise<void>
  /** Commits the edits on top of `base` and pushes. `moved`: the branch is elsewhere, fetch and decide again. `empty`: nothing differs. */
  commitAndPush(remote: GitRemote, request: CommitRequest, signal?: AbortSignal): Promise<CommitResult>
  /**
   * Changes a branch as it is on the server: decided on its newest state and pushed, again when somebody was faster, ≤ 8 times, then
   * GitConflict. What others of this process ask for meanwhile lands in the same push, as commits of their own.
   */
  changeBranch: ChangeBranch
  /** Parents and messages of the commits reachable from `to` and not from `from`, newest first, at most `limit`. */
  log(remote: GitRemote, range: LogRange, signal?: AbortSignal): Promise<LogEntry[]>
  /**
   * The last commit up to which all are signed by keys of the keyring (flux-v1 §13), and the first that is not. SignatureInvalid when
   * `from` itself is not.
   */
  verify(remote: GitRemote, request: VerifyRequest, signal?: AbortSignal): Promise<Verified>
  /**
   * The commit of a tag as last fetched, annotated or not; undefined when there is none. With `verify` its own signature must be good,
   * else SignatureInvalid.
   */
  readTag(
    remote: GitRemote,
    tag: string,
    options: { verify: boolean },
    signal?: AbortSignal,
  ): Promise<ReadTag | undefined>
  /**
   * Pushes an annotated tag in the place of the one at `expected`. `lost`: it is elsewhere, here or on the server; fetch and decide
   * again. The mirror has it at once.
   */
  moveTag(remote: GitRemote, move: TagMove, signal?: AbortSignal): Promise<'moved' | 'lost'>
  /** Notes of commits, as last fetched; without those that have none. */
  notes(
    remote: GitRemote,
    wanted: { ref: string; commits: readonly string[] },
    signal?: AbortSignal,
  ): Promise<Map<string, string>>
  /** Whether the branch only went on from `older` to `newer`. */
  relation(remote: GitRemote, older: string, newer: string, signal?: AbortSignal): Promise<Relation>
  /** Every tag by its short name, with its commit, as last fetched. */
  tags(remote: GitRemote, signal?: AbortSignal): Promise<Map<string, string>>
  /** Proves that we may push, by a tag that is gone afterwards; throws GitPushRefused or GitAuthFailed. */
  canWrite(remote: GitRemote, signal?: AbortSignal): Promise<void>
}

export type GitOptions = {
  /** Where mirrors and credentials are kept; this process' own. Made if absent. */
  directory: string
  /** Asked before each connection; without it git may go to any address. */
  addressesOf?: AddressesOf
  /** For each call as a whole, the first clone included. */
  timeoutMs: number
  /** Allows absolute paths and file://, for tests and the playground. */
  allowLocal?: boolean
  /** known_hosts file for remotes that name none of their own. */
  sshKnownHosts?: string
  /** ssh_config and git configuration of the operator; what protects us is set after them (ruling 15). */
  sshConfigFile?: string
  gitConfigFile?: string
  /** .netrc of the operator, for http remotes without a login of their own. */
  netrcFile?: string
  /** Folder of the keyring that signs and verifies (adapters/gpg); without it nothing is signed and no signature counts. */
  gnupgHome?: string
  /**
   * Variables that the operator set for git's network: `https_proxy`, `no_proxy`, `SSL_CERT_FILE`, `GIT_SSL_CAINFO` and their like,
   * and PATH if it is not ours. Others of git's own are left out.
   */
  environment?: Readonly<Record<string, string>>
  log: Logger
  /** Takes every known secret out of a text. */
  redact?: (text: string) => string
}

/** Git with the real git binary. Needs git 2.31 or newer on PATH, and ssh for ssh URLs. */
export function createGit(options: GitOptions): Git {
  const filled = {
    ...options,
    allowLocal: options.allowLocal ?? false,
    environment: options.environment ?? {},
    redact: options.redact ?? ((text: string) => text),
  }
  const nameOf = (remote: GitRemote) => reach(remote, filled).name
  const answers = createAnswers()
  const mirrors = createMirrors({ ...filled, onChange: (name) => answers.forget(name) })
  const isDue = tidy()
  const known = <T extends object | string>(
    remote: GitRemote,
    question: readonly unknown[],
    ask: (git: Command) => Promise<T>,
    signal?: AbortSignal,
  ) => answers.of(nameOf(remote), question, () => mirrors.read(remote, ({ git }) => ask(git)), signal)
  const fetches = createFetches({
    nameOf,
    now: () => performance.now(),
    refs: (remote, signal) => known(remote, ['refs'], listRefs, signal),
    fetch: (remote, signal) =>
      mirrors.fetch(
        remote,
        async ({ git, reach, signal: until }) => {
          await fetchInto(git, reach, until)
          if (isDue(reach.name)) await git.text(['gc', '--auto', '--quiet'])
          return listRefs(git)
        },
        signal,
      ),
  })
  return {
    fetch: (remote, signal, options = {}) => fetches.fetch(remote, options, signal),
    resolve: (remote, ref, signal) =>
      // the default branch may be another one where every branch is as before
      ref === 'HEAD'
        ? mirrors.read(remote, ({ git }) => resolveRef(git, ref), signal)
        : known(remote, ['resolve', ref], (git) => resolveRef(git, ref), signal),
    tree: async (remote, commit, paths, signal) =>
      belowPaths(await known(remote, ['tree', commit], (git) => listTree(git, commit), signal), paths),
    read: (remote, blobs, signal) => mirrors.read(remote, ({ git }) => readBlobs(git, blobs), signal),
    export: (remote, ...[commit, path, directory, signal]) =>
      mirrors.read(remote, (operation) => exportFiles(operation, commit, path, directory), signal),
    commitAndPush: (remote, request, signal) =>
      mirrors.change(remote, (operation) => commitAndPush(operation, request), signal),
    changeBranch: createBranchChanges(mirrors, nameOf),
    async log(remote, range, signal) {
      const { from, to, paths = [] } = range
      if (paths.length === 0) return await known(remote, ['log', range], (git) => readLog(git, range), signal)
      if (from !== undefined) {
        // asked once for the many sources of a repository, of which a push concerns a few
        const touched = await known(remote, ['touched', from, to], (git) => readTouched(git, { from, to }), signal)
        if (isUntouched(paths, touched)) return []
      }
      return await mirrors.read(remote, ({ git }) => readLog(git, range), signal)
    },
    verify: (remote, request, signal) =>
      verifyCommits((task) => mirrors.read(remote, ({ git }) => task(git), signal), request),
    readTag: (remote, tag, how, signal) => mirrors.read(remote, (operation) => readTag(operation, tag, how), signal),
    moveTag: (remote, move, signal) => mirrors.change(remote, (operation) => moveTag(operation, move, filled), signal),
    notes: (remote, wanted, signal) => mirrors.read(remote, ({ git }) => readNotes(git, wanted), signal),
    relation: (remote, ...[older, newer, signal]) =>
      known(remote, ['relation', older, newer], (git) => relate(git, older, newer), signal),
    tags: (remote, signal) => known(remote, ['tags'], listTags, signal),
    canWrite: (remote, signal) => mirrors.change(remote, checkWrite, signal),
  }
}
