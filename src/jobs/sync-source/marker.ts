import type { Cluster } from '../../adapters/cluster/index.ts'
import type { Git } from '../../adapters/git/index.ts'
import { AppError, toAppError } from '../../domain/error.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import type { SourceStatus } from '../../domain/source/status.ts'
import type { Fence } from '../../domain/work/fence.ts'
import type { Sources } from '../sources.ts'
import { type Ledger, otherWriterAnnotation } from './ledger.ts'
import type { SourceMemory } from './memory.ts'

type Marker = NonNullable<SourceStatus['marker']>

export type MarkerDeps = {
  sources: Pick<Sources, 'remote'>
  git: Pick<Git, 'readTag' | 'moveTag'>
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

/**
 * When somebody else was seen to have moved the tag last; empty for never. Two that sync one branch into one cluster, as fluxd beside
 * us, would prune each other's objects (ruling 20).
 */
export async function lookForOther(
  { spec, before, memory }: { spec: SourceSpec; before: Marker | undefined; memory: SourceMemory },
  deps: MarkerDeps & { now: () => Date },
  signal: AbortSignal,
): Promise<string> {
  const left = memory.marker?.object
  if (spec.syncState !== 'git' || !hasMarker(spec) || !left) return before?.foreignAt ?? ''
  const remote = await deps.sources.remote(spec, signal)
  const tag = await deps.git.readTag(remote, spec.syncTag, { verify: false }, signal)
  return tag?.object === left ? (before?.foreignAt ?? '') : deps.now().toISOString()
}

/**
 * Whether somebody else syncs this source too, as far as the tag tells: until it has been left alone for two sync intervals, or
 * somebody allows it by an annotation on the status.
 */
export function hasOtherWriter(
  { spec, foreignAt, ledger }: { spec: SourceSpec; foreignAt: string; ledger: Pick<Ledger, 'annotations'> },
  now: Date,
): boolean {
  if (foreignAt === '' || ledger.annotations[otherWriterAnnotation] === 'allow') return false
  return now.getTime() - Date.parse(foreignAt) < 2 * spec.syncIntervalMs
}

/**
 * What the status says of the marker before it is moved: that it is there, unless it could not be moved the last time. So a move
 * that goes well needs no second write.
 */
export function expectedMarker(
  spec: SourceSpec,
  { commit, before, foreignAt }: { commit: string; before: Marker | undefined; foreignAt: string },
): Marker | undefined {
  if (!hasMarker(spec)) return undefined
  const known = before?.problem ? before : { commit, problem: '' }
  return { commit: known.commit, problem: known.problem, ...(foreignAt === '' ? {} : { foreignAt }) }
}

/**
 * Moves the marker to the commit that was loaded whole and tried; gives why it could not be moved, empty for done. It never fails a
 * sync: it is tried again with the next one.
 */
export async function moveMarker(
  spec: SourceSpec,
  { commit, memory }: { commit: string; memory: SourceMemory },
  deps: MarkerDeps,
  signal: AbortSignal,
): Promise<string> {
  if (!hasMarker(spec) || memory.marker?.commit === commit) return ''
  try {
    deps.fence.check()
    if (spec.syncState === 'git') memory.marker = { commit, object: await moveTag(spec, commit, deps, signal) }
    else {
      await moveAnnotation(commit, deps, signal)
      memory.marker = { commit, object: '' }
    }
    return ''
  } catch (error) {
    const failure = toAppError(error)
    if (signal.aborted || failure.reason === 'FenceLost') throw failure
    return `${failure.reason}: ${failure.message}`
  }
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
