import type { HelmOutcome } from '../../adapters/helm/index.ts'
import type { Failed, ReleaseRecord } from '../../domain/release/record.ts'
import { markObjects } from './antecedent.ts'
import { beganAt, countAction } from './count.ts'
import type { SyncReleaseDeps } from './deps.ts'
import { begin, latestOf, retryTimes, settle } from './keep-record.ts'
import { narrate } from './narrate.ts'
import { lookAfter, lookAgain, markRevision, target, waitFrom, readStoredSecret } from './revisions.ts'
import { enterFailure } from './status.ts'
import type { PreparedWork, Work } from './work.ts'

/** Back to the last good revision by its number, never simply "the one before" (helm-operator §4.2 [BUG]). */
export async function rollback(
  revision: number,
  work: PreparedWork,
  deps: SyncReleaseDeps,
): Promise<{ problem?: string }> {
  const { spec, status } = work
  const before = work.stored.record?.failed
  // counted before it is done, so that one that nobody lived to note counts too
  const made = latestOf(work) + 1
  const began = deps.now().getTime()
  const failed = before && { ...before, rollbacks: before.rollbacks + 1, rolledBackTo: made }
  await begin(work, { verb: 'rollback', failed }, deps)
  // what is deployed is not what is wanted, whether the way back succeeds or not
  if (before) enterFailure(before, status)
  status.enter('RollingBack', `Rolling back release ${spec.release} to revision ${revision}`)
  await status.write()
  narrate(spec, 'running rollback', deps, { revision })
  const { outcome, isReadyDue } = await runHelm(revision, work, deps)
  await lookAfter(outcome, work, deps)
  if (!isReadyDue) countAction('rollback', { success: outcome.ok, began }, work, deps)
  if (!outcome.ok) {
    const isStored = latestOf(work) === made && !outcome.isTaken
    await noteNotRolledBack(before && { ...before, ...(isStored ? { rolledBackTo: made } : {}) }, outcome, work, deps)
    return { problem: outcome.message }
  }
  const due = isReadyDue ? { rollbackDue: waitFrom(deps.now(), spec.rollback.timeoutSeconds, work) } : {}
  if (!isReadyDue) narrate(spec, 'rollback succeeded', deps, { revision: latestOf(work) })
  const ended = failed && { ...failed, ...due, ...retryTimes(failed, deps) }
  await settle(work, rolledBack(revision, ended, work), deps)
  await markObjects(work, deps)
  return {}
}

/** `isReadyDue`: it went back, and what it made is waited for yet. */
async function runHelm(
  revision: number,
  work: Work,
  deps: SyncReleaseDeps,
): Promise<{ outcome: HelmOutcome; isReadyDue: boolean }> {
  const { rollback } = work.spec
  const { timeoutSeconds, force, recreate, disableHooks } = rollback
  deps.fence.check()
  const wait = rollback.wait && !disableHooks && (await hasPostHooks(revision, work, deps))
  const request = { ...target(work), timeoutSeconds, revision, wait, force, recreatePods: recreate, disableHooks }
  const outcome = await deps.helm.rollback(request, work.signal)
  return { outcome, isReadyDue: outcome.ok && rollback.wait && !wait }
}

async function noteNotRolledBack(
  failed: Failed | undefined,
  { reason, message }: Pick<Failed, 'reason' | 'message'>,
  work: Work,
  deps: SyncReleaseDeps,
): Promise<void> {
  const { applied } = work.stored.record ?? {}
  narrate(work.spec, `rollback failed: ${message}`, deps)
  const again = failed && notRolledBack(failed, `${reason}: ${message}`, deps)
  await settle(work, { ...(applied ? { applied } : {}), ...(again ? { failed: again } : {}) }, deps)
}

/** What helm made of it counts as ours, and it is the rollback that is tried again, ever more seldom. It is none of those that count. */
function notRolledBack(failed: Failed, rollbackFailed: string, deps: SyncReleaseDeps): Failed {
  const attempts = failed.attempts + 1
  return { ...failed, rollbackFailed, attempts, ...retryTimes({ attempts }, deps) }
}

/** What was deployed and what was good is the newest revision now, where it went back to just that. */
function rolledBack(
  revision: number,
  ended: Failed | undefined,
  work: Work,
): Pick<ReleaseRecord, 'applied' | 'failed' | 'good'> {
  const { applied, good } = work.stored.record ?? {}
  const { rollbackFailed: _mended, ...failed } = ended ?? {}
  const latest = latestOf(work)
  const moved = applied?.revision === revision ? { ...applied, revision: latest } : applied
  return {
    ...(moved ? { applied: moved } : {}),
    ...(ended ? { failed: failed as Failed } : {}),
    ...(good === revision ? { good: latest } : {}),
  }
}

/** Hooks that come after readiness: helm itself must wait for it (W6). */
async function hasPostHooks(revision: number, work: Work, deps: SyncReleaseDeps): Promise<boolean> {
  const secret = await readStoredSecret(work, revision, deps)
  const hooks = (secret && deps.decode(secret)?.hooks) ?? []
  return hooks.some(({ events }) => events.includes('post-rollback'))
}

/** What the rollback made is ready; the back-off of what was rolled back begins. */
export async function noteRolledBack(work: Work, deps: SyncReleaseDeps): Promise<{ problem?: string }> {
  const { applied, failed } = work.stored.record ?? {}
  const { rollbackDue, ...rest } = failed ?? {}
  narrate(work.spec, 'rollback succeeded', deps, { revision: latestOf(work) })
  const ended = failed && { ...(rest as Failed), ...retryTimes(failed, deps) }
  await settle(work, { ...(applied ? { applied } : {}), ...(ended ? { failed: ended } : {}) }, deps)
  if (rollbackDue) countAction('rollback', { success: true, began: beganAt(rollbackDue) }, work, deps)
  return {}
}

/** helm's own record says failed, and the rollback is tried again after its back-off. */
export async function giveUpRollback(why: string, work: Work, deps: SyncReleaseDeps): Promise<{ problem?: string }> {
  const message = `not ready within ${work.spec.rollback.timeoutSeconds} s: ${deps.redactor.redact(why)}`
  narrate(work.spec, `rollback failed: ${message}`, deps)
  const { applied, failed } = work.stored.record ?? {}
  const { rollbackDue, ...rest } = failed ?? {}
  const again = failed && notRolledBack(rest as Failed, `NotHealthy: ${message}`, deps)
  await settle(work, { ...(applied ? { applied } : {}), ...(again ? { failed: again } : {}) }, deps)
  if (rollbackDue) countAction('rollback', { success: false, began: beganAt(rollbackDue) }, work, deps)
  await markRevision(latestOf(work), `Marked as failed by Capstan: ${message}`, work, deps)
  await lookAgain(work, deps)
  return { problem: message }
}
