import type { Store } from '../adapters/store/index.ts'
import { toAppError, triedWithin } from '../domain/error.ts'
import { lookKey, type SourceStatus } from '../domain/source/status.ts'
import { parseSourceStatus } from '../domain/source/stored-status.ts'
import type { JobPayload, Outcome } from '../domain/work/job.ts'
import { lookStatus } from './look-status.ts'
import { makePlan, type MakePlanDeps } from './plan-source/make-plan.ts'
import { sameStatus } from './sync-source/report.ts'

export type LookDeps = MakePlanDeps & { store: Pick<Store, 'get' | 'set'> }

const ask = { kind: 'plan-source', ref: '', files: false, full: false } as const

/**
 * In the place of a sync where nothing may be written (`--read-only`): plans what the source follows and keeps what it found in Redis,
 * for people. A look that fails is kept too, and tried again within the sync interval.
 */
export async function lookAtSource(
  { namespace, name }: JobPayload,
  deps: LookDeps,
  signal: AbortSignal,
): Promise<Outcome> {
  const spec = deps.sources.get(namespace, name)
  if (!spec) return { end: 'done', summary: 'no such source; nothing to do' }
  const at = deps.now().toISOString()
  try {
    const plan = await makePlan({ id: '', namespace, name, by: '', at, endedAt: '', ask }, deps, signal)
    const status = lookStatus(plan, at)
    if (await keep({ namespace, name }, status, deps))
      deps.log.info({ source: `${namespace}/${name}`, revision: plan.revision, ready: status.ready }, status.message)
    return { end: 'done', summary: `${plan.revision}: ${status.message}` }
  } catch (error) {
    const { reason, message } = toAppError(error)
    if (!signal.aborted && reason !== 'InternalError')
      await keep({ namespace, name }, failedLook({ reason, message: deps.redactor.redact(message) }, at), deps)
    throw triedWithin(spec.syncIntervalMs, error)
  }
}

/** False when it is what the last look found. */
async function keep(
  { namespace, name }: Pick<JobPayload, 'namespace' | 'name'>,
  status: SourceStatus,
  { store }: Pick<LookDeps, 'store'>,
): Promise<boolean> {
  const key = lookKey(namespace, name)
  const before = parseSourceStatus(await store.get(key))
  if (before && sameStatus(before, status)) return false
  await store.set(key, JSON.stringify(status))
  return true
}

function failedLook(failure: Pick<SourceStatus, 'reason' | 'message'>, at: string): SourceStatus {
  const counts = { created: 0, configured: 0, unchanged: 0, deleted: 0, skipped: 0, failed: 0, held: 0 }
  return { ...lookStatus({ revision: '', changes: [], counts, held: [] }, at), ready: false, ...failure }
}
