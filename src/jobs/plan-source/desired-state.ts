import type { KubeObject } from '../../domain/manifest/object.ts'
import type { Change } from '../../domain/plan/change.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import { applyOptions, bodyOf } from '../sync-source/apply.ts'
import { begin } from '../sync-source/begin.ts'
import type { DesiredObject } from '../sync-source/desired.ts'
import { createJudge } from '../sync-source/judge.ts'
import { leftAlone, readAutoscalers } from '../sync-source/left-alone.ts'
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
export function sortOut(sync: Sync, full: boolean, deps: Pick<SyncSourceDeps, 'sources' | 'replaces'>): Sorted {
  const sorted: Sorted = { wanted: [], left: [] }
  const judge = createJudge(sync, deps)
  for (const object of sync.desired.objects) {
    const verdict = judge(object)
    if (verdict.act === 'apply' || (full && verdict.act === 'nothing')) sorted.wanted.push(object)
    else if (verdict.act === 'leave') sorted.left.push(verdict.change)
    else if (verdict.act === 'report') sorted.left.push(reported(object, verdict.why))
  }
  return sorted
}

function reported({ id, file, line }: DesiredObject, why: string): Change {
  return { id, file, line, action: 'skipped', message: `${why} in the cluster, and left so (drift: warn)` }
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
  const autoscalers = await readAutoscalers(
    wanted.map(({ ref }) => ref),
    sync,
    deps,
    signal,
  )
  const now = deps.now().getTime()
  return wanted.flatMap((desired) => {
    const { key, ref, digest } = desired
    const body = bodies.get(key)
    if (body === undefined) return []
    const object = bodyOf({ body, ref, digest, mark: sync.mark(ref) })
    return [
      {
        desired,
        object,
        options: applyOptions(object, leftAlone(desired, sync, { autoscalers, now, object: () => object })),
      },
    ]
  })
}
