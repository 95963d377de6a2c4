import type { Git, GitRemote, Verified, VerifyRequest } from '../adapters/git/index.ts'
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
  git: Pick<Git, 'fetch' | 'resolve' | 'tags' | 'verify' | 'readTag' | 'relation'>
}

/**
 * What the source follows, as last fetched, up to the last commit with a good signature where signatures count; a process whose
 * mirror has never seen it, or not even `since`, fetches first. `since` is the commit that was applied last, here or by a process
 * that fetched later than this one: what is before it is not verified again, and nothing older is applied for want of it. Where that
 * commit itself is not good, as when verification was turned on later, a signed sync tag at a good commit takes its place (flux-v1
 * §§12-13, ruling 13). Throws GitRefNotFound, SignatureInvalid where no commit at all may be applied, and what a fetch throws.
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
  const { valid, bad } = await verify(range, { spec, remote }, deps, signal)
  if (!bad) return revision
  if (valid === '') {
    const message = `found invalid GPG signature for commit ${bad.commit}: ${bad.why}; there is no good commit before it`
    throw new AppError('SignatureInvalid', message)
  }
  return { ...revision, commit: valid, refused: bad }
}

/** What the source follows, as last fetched, whoever signed it. Throws GitRefNotFound. */
export async function readFollowed(
  { ref: { kind, value } }: SourceSpec,
  remote: GitRemote,
  git: Pick<ReadHeadDeps['git'], 'resolve' | 'tags'>,
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

type Where = { spec: SourceSpec; remote: GitRemote }

async function verify(range: VerifyRequest, where: Where, deps: ReadHeadDeps, signal: AbortSignal): Promise<Verified> {
  const { remote, spec } = where
  try {
    return await deps.git.verify(remote, range, signal)
  } catch (error) {
    const { reason, message } = toAppError(error)
    if (reason !== 'SignatureInvalid' || range.from === undefined) throw error
    const found = await signedTag({ last: range.from, to: range.to }, where, deps, signal)
    if ('commit' in found) return await deps.git.verify(remote, { ...range, from: found.commit }, signal)
    const tag = spec.syncTag
    const advice = `push a signed commit, and put a signed tag ${tag} there (git tag -s -f ${tag} COMMIT && git push -f origin refs/tags/${tag}), from which commits are verified then; ${found.why}`
    throw new AppError('SignatureInvalid', `${message}; ${advice}`)
  }
}

/** The commit of a sync tag that is signed itself, unless that would go back behind `last` or leave what is followed. */
async function signedTag(
  { last, to }: { last: string; to: string },
  { spec, remote }: Where,
  { git }: ReadHeadDeps,
  signal: AbortSignal,
): Promise<{ commit: string } | { why: string }> {
  try {
    const commit = (await git.readTag(remote, spec.syncTag, { verify: true }, signal))?.commit
    if (commit === undefined) return { why: 'there is no such tag now' }
    const isBehind = (await git.relation(remote, commit, last, signal)) !== 'rewritten'
    const isFollowed = (await git.relation(remote, commit, to, signal)) !== 'rewritten'
    return isBehind || !isFollowed
      ? { why: `the tag that is there is at ${commit}, which is not a newer commit of what is followed` }
      : { commit }
  } catch (error) {
    const { reason, message } = toAppError(error)
    if (reason !== 'SignatureInvalid' && reason !== 'GitRefNotFound') throw error
    return { why: message }
  }
}

async function resolve(
  { spec, remote, since }: { spec: SourceSpec; remote: GitRemote; since: string | undefined },
  { git }: ReadHeadDeps,
  signal: AbortSignal,
): Promise<Revision> {
  try {
    if (since) await git.resolve(remote, since, signal)
    return await readFollowed(spec, remote, git, signal)
  } catch (error) {
    if (toAppError(error).reason !== 'GitRefNotFound') throw error
    await git.fetch(remote, signal)
    return await readFollowed(spec, remote, git, signal)
  }
}
