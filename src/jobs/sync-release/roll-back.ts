import type { Failed } from '../../domain/release/record.ts'
import { markObjects } from './antecedent.ts'
import type { SyncReleaseDeps } from './deps.ts'
import { begin, latestOf, retryTimes, settle } from './keep-record.ts'
import { readStoredSecret } from './observe.ts'
import { lookAgain, markRevision, target, waitFrom } from './revisions.ts'
import type { PreparedWork, Work } from './work.ts'

/** Back to the last good revision by its number, never simply "the one before" (helm-operator §4.2 [BUG]). */
export async function rollback(
  revision: number,
  work: PreparedWork,
  deps: SyncReleaseDeps,
): Promise<{ problem?: string }> {
  const { spec, status, signal } = work
  const before = work.stored.record?.failed
  // counted before it is done, so that one that nobody lived to note counts too
  const failed = before && { ...before, rollbacks: before.rollbacks + 1, rolledBackTo: latestOf(work) + 1 }
  await begin(work, { verb: 'rollback', failed }, deps)
  status.enter('RollingBack', `Rolling back release ${spec.release} to revision ${revision}`)
  await status.write()
  deps.fence.check()
  const { timeoutSeconds, force, recreate, disableHooks } = spec.rollback
  const wait = spec.rollback.wait && !disableHooks && (await hasPostHooks(revision, work, deps))
  const request = { ...target(work), timeoutSeconds, revision, wait, force, recreatePods: recreate, disableHooks }
  const outcome = await deps.helm.rollback(request, signal)
  await lookAgain(work, deps)
  const { applied } = work.stored.record ?? {}
  if (outcome.ok) {
    const { rollbackFailed: _mended, ...mended } = failed ?? {}
    const isDue = spec.rollback.wait && !wait
    const rest = { ...mended, ...(isDue ? { rollbackDue: waitFrom(deps.now(), timeoutSeconds) } : {}) }
    const moved = applied?.revision === revision ? { ...applied, revision: latestOf(work) } : applied
    const good = work.stored.record?.good === revision ? { good: latestOf(work) } : {}
    await settle(
      work,
      { ...(moved ? { applied: moved } : {}), ...(failed ? { failed: rest as Failed } : {}), ...good },
      deps,
    )
    await markObjects(work, deps)
    return {}
  }
  const rollbackFailed = `${outcome.reason}: ${outcome.message}`
  const again = before && { ...before, rollbackFailed, ...retryTimes(before.attempts, deps) }
  await settle(work, { ...(applied ? { applied } : {}), ...(again ? { failed: again } : {}) }, deps)
  return { problem: outcome.message }
}

/** Hooks that come after readiness: helm itself must wait for it (W6). */
async function hasPostHooks(revision: number, work: Work, deps: SyncReleaseDeps): Promise<boolean> {
  const secret = await readStoredSecret(work, revision, deps)
  const hooks = (secret && deps.decode(secret)?.hooks) ?? []
  return hooks.some(({ events }) => events.includes('post-rollback'))
}

/** What the rollback made is ready. */
export async function noteRolledBack(work: Work, deps: SyncReleaseDeps): Promise<{ problem?: string }> {
  const { applied, failed } = work.stored.record ?? {}
  const { rollbackDue: _over, ...rest } = failed ?? {}
  await settle(work, { ...(applied ? { applied } : {}), ...(failed ? { failed: rest as Failed } : {}) }, deps)
  return {}
}

/** helm's own record says failed, and the rollback is tried again after its back-off. */
export async function giveUpRollback(why: string, work: Work, deps: SyncReleaseDeps): Promise<{ problem?: string }> {
  const message = `not ready within ${work.spec.rollback.timeoutSeconds} s: ${deps.redactor.redact(why)}`
  const { applied, failed } = work.stored.record ?? {}
  const { rollbackDue: _over, ...rest } = failed ?? {}
  const again = { ...rest, rollbackFailed: `NotHealthy: ${message}`, ...retryTimes(failed?.attempts ?? 1, deps) }
  await settle(work, { ...(applied ? { applied } : {}), ...(failed ? { failed: again as Failed } : {}) }, deps)
  await markRevision(latestOf(work), `Marked as failed by Capstan: ${message}`, work, deps)
  await lookAgain(work, deps)
  return { problem: message }
}
