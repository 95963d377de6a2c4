import type { Cluster } from '../../adapters/cluster/index.ts'
import { type AppError, toAppError } from '../../domain/error.ts'
import { recreateAnnotation } from '../../domain/manifest/annotations.ts'
import { idOf, type KubeObject, type ObjectRef } from '../../domain/manifest/object.ts'
import type { Change } from '../../domain/plan/change.ts'
import { ownedHash } from '../../domain/plan/live.ts'
import { wouldChange } from '../../domain/plan/plan.ts'
import type { Sending } from './desired-state.ts'

/** The live object without the fields that a first apply removes, since they left git while kubectl or fluxd owned the object. */
export type FieldsDropped = (live: KubeObject, desired: KubeObject) => KubeObject

export type DryRunDeps = {
  cluster: Pick<Cluster, 'get' | 'apply'>
  /** Why an object cannot be tried, as a sentence; undefined when it can. */
  missing: (ref: ObjectRef) => Promise<string | undefined>
  fieldsDropped: FieldsDropped
  /** Whether the cluster has the object. */
  isLive: (key: string) => boolean
}

/** What the API server says for an admission webhook with side effects: it is not called, so nobody knows what it would say. */
const untriable = /does not support dry run/

/** What the API server said about one object: before and after, or why not. Undefined: nothing would change. */
export type Tried = { change: Change; before?: KubeObject; after?: KubeObject; warnings: string[] }

/**
 * Server-side dry-run apply, as the sync would send it (W10); nothing is written. One bad object fails alone; a cluster that is not
 * there ends the plan, by throwing.
 */
export async function tryApply(sending: Sending, deps: DryRunDeps, signal: AbortSignal): Promise<Tried | undefined> {
  const { desired, object } = sending
  const about = { id: idOf(desired.ref), file: desired.file, line: desired.line }
  try {
    const message = await deps.missing(desired.ref)
    if (message) return { change: { ...about, action: 'created', message }, after: object, warnings: [] }
    return await compareWithLive(sending, about, deps, signal)
  } catch (error) {
    const failure = toAppError(error)
    if (signal.aborted || endsPlan(failure)) throw failure
    if (failure.reason === 'ImmutableField' && object.metadata.annotations?.[recreateAnnotation] === 'allowed') {
      const message = `deleted and made again, as its annotation allows: ${failure.message}`
      return { change: { ...about, action: 'configured', message }, after: object, warnings: [] }
    }
    const { reason, message } = failure
    if (untriable.test(message)) {
      const action = deps.isLive(desired.key) ? 'configured' : 'created'
      return { change: { ...about, action, message: `not tried: ${message}` }, after: object, warnings: [] }
    }
    return { change: { ...about, action: 'failed', reason, message }, warnings: [] }
  }
}

async function compareWithLive(
  { desired, object, options }: Sending,
  about: Pick<Change, 'id' | 'file' | 'line'>,
  { cluster, fieldsDropped }: DryRunDeps,
  signal: AbortSignal,
): Promise<Tried | undefined> {
  const before = await cluster.get(desired.ref, { signal })
  const tried = await cluster.apply(object, { ...options, dryRun: true }, signal)
  const { warnings } = tried
  if (!before) return { change: { ...about, action: 'created' }, after: object, warnings }
  // what is ours already is not taken over again
  const after = ownedHash(before) === '' ? fieldsDropped(tried.object, object) : tried.object
  if (!wouldChange(before, after)) return undefined
  const overruled = tried.overruled.length > 0 ? { overruled: tried.overruled } : {}
  return { change: { ...about, action: 'configured', ...overruled }, before, after, warnings }
}

/** Reasons that concern every object, not this one. */
function endsPlan(failure: AppError): boolean {
  return failure.reason === 'ClusterUnavailable' || failure.reason === 'InternalError'
}
