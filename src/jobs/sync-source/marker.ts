import type { Cluster } from '../../adapters/cluster/index.ts'
import type { Git } from '../../adapters/git/index.ts'
import { AppError, toAppError } from '../../domain/error.ts'
import { safeUrl } from '../../domain/source/git-url.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import type { SourceStatus } from '../../domain/source/status.ts'
import type { Fence } from '../../domain/work/fence.ts'
import type { Sources } from '../sources.ts'
import { type Ledger, otherWriterAnnotation } from './ledger.ts'
import type { SourceMemory } from './memory.ts'

type Marker = NonNullable<SourceStatus['marker']>

export type MarkerDeps = {
  sources: Pick<Sources, 'remote'>
  git: Pick<Git, 'readTag' | 'moveTag' | 'fetch'>
  cluster: Pick<Cluster, 'get' | 'patch' | 'create'>
  fence: Fence
  /** How the tag is made, and where the Secret of `--sync-state=secret` lies. */
  marking: { author: { name: string; email: string }; signingKey: string; secret: { namespace: string; name: string } }
}

/** fluxd's message on the tag, and its annotation on the Secret (flux-v1 §12). */
const tagMessage = 'Sync pointer'
const secretAnnotation = 'flux.weave.works/sync-hwm'

/** The commit that the marker names; empty when there is none. In the cluster's own state there is no other marker than our status. */
export async function readMarker(spec: SourceSpec, deps: MarkerDeps, signal: AbortSignal): Promise<string> {
  if (spec.syncState === 'git') {
    const remote = await deps.sources.remote(spec, signal)
    const tag = await deps.git.readTag(remote, spec.syncTag, { verify: spec.verify !== 'none' }, signal)
    return tag?.commit ?? ''
  }
  if (spec.syncState === 'cluster') return ''
  const secret = await deps.cluster.get(secretRef(deps), { metadataOnly: true, signal })
  return secret?.metadata.annotations?.[secretAnnotation] ?? ''
}

/** What the tag says of others: when one was seen to have moved it last, empty for never, and the tag that is there now. */
export type TagLook = { foreignAt: string; object: string | undefined }

/**
 * Looks whether somebody else moved the tag since one of us left it or noted it. Two that sync one branch into one cluster, as fluxd
 * beside us, would prune each other's objects (ruling 20). Compared with the status, so that our own processes are nobody else. What was
 * done before the first look of this process is the past: somebody may have had the source back meanwhile.
 */
export async function lookForOther(
  { spec, before, memory }: { spec: SourceSpec; before: Marker | undefined; memory: SourceMemory },
  deps: MarkerDeps & { now: () => Date },
  signal: AbortSignal,
): Promise<TagLook> {
  const foreignAt = before?.foreignAt ?? ''
  if (spec.syncState !== 'git' || !hasMarker(spec)) return { foreignAt, object: undefined }
  const remote = await deps.sources.remote(spec, signal)
  const read = async () => (await deps.git.readTag(remote, spec.syncTag, { verify: false }, signal))?.object ?? ''
  const seen = await read()
  const left = before?.of === tagOf(spec) && memory.hasSeenTag ? before.object : undefined
  memory.hasSeenTag = true
  if (!before || seen === left) return { foreignAt, object: seen }
  try {
    // another process of ours may have moved it since this one fetched
    await deps.git.fetch(remote, signal)
  } catch (error) {
    if (signal.aborted) throw error
    return { foreignAt, object: left ?? seen }
  }
  const there = await read()
  const isForeign = left !== undefined && there !== left
  return { foreignAt: isForeign ? deps.now().toISOString() : foreignAt, object: there }
}

/**
 * Whether somebody else syncs this source too, as far as the tag tells: until it has been left alone for two sync intervals, or
 * somebody allows it by an annotation on the status.
 */
export function hasOtherWriter(
  { spec, tag, ledger }: { spec: SourceSpec; tag: Pick<TagLook, 'foreignAt'>; ledger: Pick<Ledger, 'annotations'> },
  now: Date,
): boolean {
  const { foreignAt } = tag
  if (foreignAt === '' || ledger.annotations[otherWriterAnnotation] === 'allow') return false
  return now.getTime() - Date.parse(foreignAt) < 2 * spec.syncIntervalMs
}

type Place = { commit: string; before: Marker | undefined; tag: TagLook }

/**
 * What the status says of the marker before it is moved: that it is there, unless it could not be moved the last time. The id of a tag
 * that is about to be moved is left out, so that a move which nobody lives to note is not taken for somebody else's.
 */
export function expectedMarker(spec: SourceSpec, { commit, before, tag }: Place): Marker | undefined {
  if (!hasMarker(spec)) return undefined
  if (before?.problem) return withTag(spec, { commit: before.commit, problem: before.problem }, tag)
  const stays = before?.commit === commit ? tag.object : undefined
  return withTag(spec, { commit, problem: '' }, { ...tag, object: stays })
}

/** The marker with what was seen of the tag. */
export function withTag(spec: SourceSpec, { commit, problem }: Marker, { foreignAt, object }: TagLook): Marker {
  return {
    commit,
    problem,
    ...(foreignAt === '' ? {} : { foreignAt }),
    ...(object === undefined ? {} : { object, of: tagOf(spec) }),
  }
}

/** What became of the marker: why it could not be moved, empty for done, and the tag that is there since. */
export type Moved = { problem: string; object: string | undefined }

/**
 * Moves the marker to the commit that was loaded whole and tried. It never fails a sync: it is tried again with the next one. At an
 * unchanged commit a process moves it once, so that it does not fight over it with somebody else.
 */
export async function moveMarker(
  spec: SourceSpec,
  { commit, before, tag, memory }: Place & { memory: SourceMemory },
  deps: MarkerDeps,
  signal: AbortSignal,
): Promise<Moved> {
  if (!hasMarker(spec)) return { problem: '', object: undefined }
  const isThere = before?.commit === commit && before.problem === '' && tag.object !== ''
  if (isThere && memory.marker?.commit === commit) return { problem: '', object: tag.object }
  try {
    deps.fence.check()
    const object = spec.syncState === 'git' ? await moveTag(spec, commit, deps, signal) : undefined
    if (spec.syncState === 'secret') await moveAnnotation(commit, deps, signal)
    memory.marker = { commit }
    return { problem: '', object }
  } catch (error) {
    const failure = toAppError(error)
    if (signal.aborted || failure.reason === 'FenceLost') throw failure
    return { problem: `${failure.reason}: ${failure.message}`, object: tag.object }
  }
}

/** Which tag an id is of: one of another repository or name says nothing. */
function tagOf({ url, syncTag }: SourceSpec): string {
  return `${safeUrl(url)} ${syncTag}`
}

/** A tag that we may not push is none; in the cluster's own state the status is the marker. */
function hasMarker({ syncState, readonly }: SourceSpec): boolean {
  return syncState === 'secret' || (syncState === 'git' && !readonly)
}

/** Gives the id of the tag that is there now. */
async function moveTag(spec: SourceSpec, commit: string, deps: MarkerDeps, signal: AbortSignal): Promise<string> {
  const { author, signingKey } = deps.marking
  const remote = await deps.sources.remote(spec, signal)
  const read = async () => await deps.git.readTag(remote, spec.syncTag, { verify: false }, signal)
  const there = await read()
  if (there?.commit === commit) return there.object
  const key = signingKey ? { signingKey } : {}
  const move = { tag: spec.syncTag, commit, expected: there?.commit, message: tagMessage, author, ...key }
  if ((await deps.git.moveTag(remote, move, signal)) === 'lost')
    throw new AppError('OtherWriter', `the tag ${spec.syncTag} was moved by somebody else meanwhile`)
  return (await read())?.object ?? ''
}

async function moveAnnotation(commit: string, deps: MarkerDeps, signal: AbortSignal): Promise<void> {
  const ref = secretRef(deps)
  if (!(await deps.cluster.get(ref, { metadataOnly: true, signal }))) {
    const { apiVersion, kind, namespace, name } = ref
    await deps.cluster.create({ apiVersion, kind, metadata: { namespace, name } }, signal)
  }
  await deps.cluster.patch(ref, { metadata: { annotations: { [secretAnnotation]: commit } } }, { signal })
}

function secretRef({ marking: { secret } }: MarkerDeps) {
  return { apiVersion: 'v1', kind: 'Secret', ...secret }
}
