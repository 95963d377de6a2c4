import { conflictAnnotation } from '../../domain/manifest/annotations.ts'
import { gcMark } from '../../domain/manifest/gc-mark.ts'
import type { KubeObject } from '../../domain/manifest/object.ts'
import { autoscaledFields, autoscalerKinds, isScalable } from '../../domain/plan/autoscaler.ts'
import type { Change } from '../../domain/plan/change.ts'
import { compare, type Verdict } from '../../domain/plan/compare.ts'
import { contested } from '../../domain/plan/fights.ts'
import { ignoredFields } from '../../domain/plan/ignore.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import { syncSetOf } from '../../domain/source/sync-set.ts'
import { bodyOf } from '../sync-source/apply.ts'
import { begin } from '../sync-source/begin.ts'
import type { DesiredObject } from '../sync-source/desired.ts'
import { readLedger } from '../sync-source/ledger.ts'
import type { Sync, SyncSourceDeps } from '../sync-source/sync.ts'
import { readBodies } from '../sync-source/bodies.ts'

/** What a sync of this source would start from, read as a sync reads it; what the process remembers of the source stays as it is. */
export async function readState(spec: SourceSpec, deps: SyncSourceDeps, signal: AbortSignal): Promise<Sync> {
  const known = deps.memory.of(spec.namespace, spec.name)
  const memory = { ...known, blobs: new Map(known.blobs) }
  const ledger = await readLedger(deps, spec, memory.inventory, signal)
  return await begin(spec, { ledger, memory }, deps, signal)
}

export type Sorted = {
  /** What a sync would send; with `full` all that it may send. */
  wanted: DesiredObject[]
  /** What it would leave out, with why. */
  left: Change[]
}

/** Sorts the objects as a sync of a person's request would. */
export function sortOut(sync: Sync, full: boolean, { sources }: Pick<SyncSourceDeps, 'sources'>): Sorted {
  const sorted: Sorted = { wanted: [], left: [] }
  const isOther = ({ namespace, name }: SourceSpec) => namespace !== sync.spec.namespace || name !== sync.spec.name
  const others = sources
    .list()
    .filter(isOther)
    .map((other) => ({ name: `${other.namespace}/${other.name}`, set: syncSetOf(other) }))
  for (const object of sync.desired.objects) {
    const { key, ref, digest, ignored } = object
    const live = sync.live.get(key)
    const state = { live, mark: sync.mark(ref), entry: sync.inventory.get(key), drift: sync.spec.drift }
    const verdict = compare({ digest, ignoredInGit: ignored, ...state })
    if (verdict.act === 'nothing' && !full) continue
    const owner = live?.mark ? others.find(({ set }) => live.mark === gcMark(set, ref)) : undefined
    if (owner) sorted.left.push(leftToOther(object, owner.name))
    else if (verdict.act === 'apply' || verdict.act === 'nothing') sorted.wanted.push(object)
    else sorted.left.push(leftOut(object, verdict))
  }
  return sorted
}

function leftToOther({ id, file, line }: DesiredObject, source: string): Change {
  const message = `${id} belongs to source ${source}, which defines it too; it is left to that one`
  return { id, file, line, action: 'failed', reason: 'DuplicateObject', message }
}

function leftOut({ id, file, line }: DesiredObject, verdict: Extract<Verdict, { act: 'skip' | 'report' }>): Change {
  const message = verdict.act === 'skip' ? verdict.why : `${verdict.why} in the cluster, and left so (drift: warn)`
  return { id, file, line, action: 'skipped', message }
}

/** One object as a sync would send it. */
export type Sending = {
  desired: DesiredObject
  object: KubeObject
  /** For `apply`, besides the dry run. */
  options: Parameters<Sync['cluster']['apply']>[1]
}

/** The whole objects, as a sync would send them. An object whose file is gone meanwhile is left out. */
export async function sendingsOf(
  wanted: readonly DesiredObject[],
  sync: Sync,
  deps: SyncSourceDeps,
  signal: AbortSignal,
): Promise<Sending[]> {
  const bodies = await readBodies(wanted, sync, deps, signal)
  const scaled = await readAutoscaled(wanted, sync, signal)
  return wanted.flatMap((desired) => {
    const { key, ref, digest } = desired
    const body = bodies.get(key)
    if (body === undefined) return []
    const object = bodyOf({ body, ref, digest, mark: sync.mark(ref) })
    const leaveAlone = [
      ...ignoredFields(sync.spec.ignore, ref),
      ...(sync.live.has(key) ? autoscaledFields(scaled, ref) : []),
      ...contested(sync.memory.fights, key, deps.now().getTime()),
    ]
    const yields = object.metadata.annotations?.[conflictAnnotation] === 'yield'
    const options = {
      force: true,
      ...(leaveAlone.length > 0 ? { leaveAlone } : {}),
      ...(yields ? { yieldTo: 'everybody' as const } : {}),
    }
    return [{ desired, object, options }]
  })
}

/** The autoscalers of the cluster, when one of them may scale what would be written over (ruling 18). */
async function readAutoscaled(
  wanted: readonly DesiredObject[],
  { spec, cluster, live }: Sync,
  signal: AbortSignal,
): Promise<KubeObject[]> {
  if (spec.overruleAutoscalers || !wanted.some(({ key, ref }) => live.has(key) && isScalable(ref))) return []
  const lists = autoscalerKinds.map(async (kind) => {
    const isServed = await cluster.resource(kind.apiVersion, kind.kind, signal)
    return isServed ? await cluster.list(kind, signal) : []
  })
  return (await Promise.all(lists)).flat()
}
