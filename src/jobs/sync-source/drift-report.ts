import { driftOf } from '../../domain/plan/drift.ts'
import { removeFields } from '../../domain/plan/field-path.ts'
import { ignoredFields } from '../../domain/plan/ignore.ts'
import type { SourceDrift } from '../../domain/source/status.ts'
import { bodyOf } from './apply.ts'
import type { DesiredObject } from './desired.ts'
import type { Sync, SyncSourceDeps } from './sync.ts'
import { readBodies } from './bodies.ts'

const shown = 100
/** So that the status of a hundred of them stays far below what a ConfigMap holds (1 MiB). */
const shownFields = 20
const fieldLength = 200

/** An object that is not what git says, and why it is left so. */
export type Drifted = { object: DesiredObject; reason: SourceDrift['reason'] }

type Found = Omit<SourceDrift, 'reason'>

/** Names who changed what of the objects that differ and are left so; what was named already and has not moved is not read again. */
export async function reportDrift(
  objects: readonly Drifted[],
  sync: Sync,
  deps: SyncSourceDeps,
  signal: AbortSignal,
): Promise<void> {
  const first = objects.slice(0, shown).map(({ object }) => object)
  const reasons = new Map(objects.map(({ object, reason }) => [object.key, reason]))
  const { drift } = sync.memory
  const unseen = first.filter(({ key, digest }) => drift.get(key)?.state !== stateOf(key, digest, sync))
  if (unseen.length > 0) {
    const bodies = await readBodies(unseen, sync, deps, signal)
    await Promise.all(
      unseen.map(async (object) => {
        const state = stateOf(object.key, object.digest, sync)
        drift.set(object.key, { state, drifts: await lookAt(object, bodies.get(object.key), sync, signal) })
      }),
    )
  }
  const known = new Set(first.map(({ key }) => key))
  for (const key of drift.keys()) if (!known.has(key)) drift.delete(key)
  const drifts = first.flatMap(({ key }) =>
    (drift.get(key)?.drifts ?? []).map((one) => ({ ...one, reason: reasons.get(key) ?? 'Drifted' })),
  )
  sync.drifted.push(...drifts.slice(0, shown))
}

function stateOf(key: string, digest: string, { live }: Sync): string {
  return `${digest} ${live.get(key)?.resourceVersion ?? 'absent'}`
}

async function lookAt(
  object: DesiredObject,
  body: string | undefined,
  { spec, cluster, mark }: Sync,
  signal: AbortSignal,
): Promise<Found[]> {
  const { id, file, line, ref, digest } = object
  const live = await cluster.get(ref, { signal })
  if (!live) return [{ id, file, line, manager: '', at: '', fields: [] }]
  if (body === undefined) return []
  const left = ignoredFields(spec.ignore, ref)
  const desired = removeFields(bodyOf({ body, ref, digest, mark: mark(ref) }), left)
  return driftOf(live, desired).map(({ manager, time, fields }) => {
    const first = fields.slice(0, shownFields).map((field) => field.slice(0, fieldLength))
    const rest = fields.length - first.length
    return { id, file, line, manager, at: time, fields: rest > 0 ? [...first, `and ${rest} more`] : first }
  })
}
