import type { Git, GitRemote } from '../adapters/git/index.ts'
import { AppError, toAppError } from '../domain/error.ts'
import type { Revision } from '../domain/source/revision.ts'
import { chooseTag } from '../domain/source/semver-tag.ts'
import type { SourceSpec } from '../domain/source/spec.ts'
import type { Sources } from './sources.ts'

/** What may be applied of a source now. */
export type Head = Revision & {
  /** What the branch is at, when its signatures do not allow to go there, and the first commit that is not good. */
  refused?: { commit: string; why: string }
}

export type ReadHeadDeps = {
  sources: Pick<Sources, 'remote'>
  git: Pick<Git, 'fetch' | 'resolve' | 'tags' | 'verify'>
}

/**
 * What the source follows, as last fetched, up to the last commit with a good signature where signatures count; a process whose
 * mirror has never seen it, or not even `since`, fetches first. `since` is the commit that was applied last, here or by a process
 * that fetched later than this one: what is before it is not verified again, and nothing older is applied for want of it. Throws
 * GitRefNotFound, SignatureInvalid where no commit at all may be applied, and what a fetch throws.
 */
export async function readHead(
  spec: SourceSpec,
  deps: ReadHeadDeps,
  signal: AbortSignal,
  since?: string,
): Promise<Head> {
  const remote = await deps.sources.remote(spec, signal)
  const revision = await resolve({ spec, remote, since }, deps, signal)
  if (spec.verify === 'none') return revision
  const range = { to: revision.commit, mode: spec.verify, ...(since ? { from: since } : {}) }
  const { valid, bad } = await deps.git.verify(remote, range, signal)
  if (!bad) return revision
  if (valid === '') {
    const message = `found invalid GPG signature for commit ${bad.commit}: ${bad.why}; there is no good commit before it`
    throw new AppError('SignatureInvalid', message)
  }
  return { ...revision, commit: valid, refused: bad }
}

async function resolve(
  { spec, remote, since }: { spec: SourceSpec; remote: GitRemote; since: string | undefined },
  { git }: ReadHeadDeps,
  signal: AbortSignal,
): Promise<Revision> {
  try {
    if (since) await git.resolve(remote, since, signal)
    return await resolveInMirror(spec, remote, git, signal)
  } catch (error) {
    if (toAppError(error).reason !== 'GitRefNotFound') throw error
    await git.fetch(remote, signal)
    return await resolveInMirror(spec, remote, git, signal)
  }
}

async function resolveInMirror(
  { ref: { kind, value } }: SourceSpec,
  remote: GitRemote,
  git: ReadHeadDeps['git'],
  signal: AbortSignal,
): Promise<Revision> {
  if (kind === 'commit') return { branch: 'commit', commit: await git.resolve(remote, value, signal) }
  if (kind === 'branch') return { branch: value, commit: await git.resolve(remote, `refs/heads/${value}`, signal) }
  if (kind === 'tag') return { branch: value, commit: await git.resolve(remote, `refs/tags/${value}`, signal) }
  const tags = await git.tags(remote, signal)
  const tag = chooseTag(value, tags.keys())
  const commit = tag === undefined ? undefined : tags.get(tag)
  if (tag === undefined || commit === undefined)
    throw new AppError('GitRefNotFound', `no tag of the repository is in the range '${value}'`)
  return { branch: tag, commit }
}
