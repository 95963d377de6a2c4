import type { HelmOutcome, HelmWrite } from '../../adapters/helm/index.ts'
import { AppError } from '../../domain/error.ts'
import type { Action } from '../../domain/release/decide.ts'
import { inputsOf, type ReadyDue } from '../../domain/release/record.ts'
import { never } from '../../lib/never.ts'
import { marking, markObjects } from './antecedent.ts'
import { beganAt, countAction } from './count.ts'
import type { SyncReleaseDeps } from './deps.ts'
import { appliedNow, begin, digestsOf, latestOf, mustTest, noteFailure, settle, takeBack } from './keep-record.ts'
import { logDiff } from './log-diff.ts'
import { notMadeByInstall } from './made-objects.ts'
import { narrate, nouns } from './narrate.ts'
import { findWrongTypes } from './refused-types.ts'
import { releaseRequest } from './release-request.ts'
import { keepFinalizer } from './finalizer.ts'
import { lookAfter, lookAgain, lookAtMade, markRevision, secretRef, target, waitFrom } from './revisions.ts'
import { giveUpRollback, noteRolledBack, rollback } from './roll-back.ts'
import { runTests } from './run-tests.ts'
import { announce } from './status.ts'
import type { PreparedWork, StoredRecord, Wanted, Work } from './work.ts'

/** Does one step and writes down how it ended. `problem`: helm's own words when it failed, redacted. */
export async function act(action: Action, work: PreparedWork, deps: SyncReleaseDeps): Promise<{ problem?: string }> {
  switch (action.do) {
    case 'install':
    case 'upgrade':
      return await deploy(action.do, work, deps)
    case 'test':
      return await runTests(work, deps)
    case 'rollback':
      return await rollback(action.revision, work, deps)
    case 'remove remains':
      return await removeRemains(work, deps)
    case 'unlock':
      return await unlock(action.revision, work, deps)
    case 'adopt':
      return await adopt(work, deps)
    case 'note ready':
      return await noteReady(work, deps)
    case 'note rolled back':
      return await noteRolledBack(work, deps)
    case 'give up rollback':
      return await giveUpRollback(action.why, work, deps)
    case 'give up waiting':
      return await giveUpWaiting(action, work, deps)
    default:
      return never(action)
  }
}

/** Steps that need neither chart nor values. */
export type Remedy = Extract<Action, { do: 'remove remains' | 'unlock' }>

export async function remedy(action: Remedy, work: Work, deps: SyncReleaseDeps): Promise<{ problem?: string }> {
  return action.do === 'unlock' ? await unlock(action.revision, work, deps) : await removeRemains(work, deps)
}

async function deploy(
  verb: 'install' | 'upgrade',
  work: PreparedWork,
  deps: SyncReleaseDeps,
): Promise<{ problem?: string }> {
  const { spec, wanted, status, stored } = work
  const before = latestOf(work)
  const began = deps.now().getTime()
  const inputs = inputsOf(digestsOf(wanted))
  await begin(work, { verb, inputs }, deps)
  const where = `release ${spec.release} in ${spec.targetNamespace} with chart ${nameOf(wanted)}`
  const attempt = { lastAttemptedRevision: wanted.chart.revision }
  if (verb === 'install') status.enter('Installing', `Installing ${where}`, attempt)
  else status.enter('Upgrading', `Upgrading ${where}`, attempt)
  narrate(spec, `running ${nouns[verb]}`, deps)
  const isWaiting = spec.wait && (await deps.charts.hasPostHooks(wanted.chart))
  const marks = marking(spec)
  const outcome = await status.writeDuring((began) =>
    runHelm(verb, { wait: isWaiting, began, edit: marks.edit }, work, deps),
  )
  await (outcome.ok ? lookAtMade(work, before + 1, deps) : lookAfter(outcome, work, deps))
  if (!outcome.ok && outcome.isTaken) return await stepBack(stored, work, deps)
  const isReadyDue = outcome.ok && spec.wait && !isWaiting
  if (!isReadyDue) countAction(verb, { success: outcome.ok, began }, work, deps)
  // before the record says that the install is over: until then that alone tells whose release it is
  if (verb === 'install' && latestOf(work) > before) await keepFinalizer(work, deps)
  if (!outcome.ok) {
    await noteFailure(work, { by: verb, outcome, stored: latestOf(work) > before }, deps)
    return { problem: outcome.message }
  }
  if (verb === 'upgrade') await logDiff(before, work, deps)
  await noteDeployed(verb, isReadyDue, work, deps)
  if (!outcome.edited || !marks.areWhole()) await markObjects(work, deps)
  return {}
}

/** `isReadyDue`: what helm made is waited for yet. What failed with these inputs before is remembered until they have passed all. */
async function noteDeployed(
  verb: 'install' | 'upgrade',
  isReadyDue: boolean,
  work: PreparedWork,
  deps: SyncReleaseDeps,
): Promise<void> {
  if (!isReadyDue) enterDeployed(verb, work, deps)
  const { failed } = work.stored.record ?? {}
  const applied = { ...appliedNow(work), ...(isReadyDue ? { readyDue: readyDue(verb, work, deps) } : {}) }
  const isOpen = work.spec.test.enable || isReadyDue
  const isSame = failed?.inputs === inputsOf(digestsOf(work.wanted))
  await settle(work, { applied, ...(isOpen && failed && isSame ? { failed } : {}) }, deps)
}

/** Somebody made a release of this name, or works on it, since it was looked at: it is met as one that was so before (ruling 10). */
async function stepBack(before: StoredRecord, work: Work, deps: SyncReleaseDeps): Promise<{ problem?: string }> {
  await takeBack(before, work, deps)
  deps.log.info({ release: work.spec.release }, 'somebody else made this release, or works on it, meanwhile')
  return {}
}

/** How long it is waited for is counted from the end of helm, which has sent everything by then. */
function readyDue(by: 'install' | 'upgrade', work: Work, { now }: SyncReleaseDeps): ReadyDue {
  return { by, ...waitFrom(now(), work.spec.timeoutSeconds, work) }
}

function enterDeployed(by: 'install' | 'upgrade', { spec, wanted, status }: PreparedWork, deps: SyncReleaseDeps): void {
  status.enter('Deployed', `Deployed release ${spec.release} in ${spec.targetNamespace} with chart ${nameOf(wanted)}`)
  narrate(spec, `${nouns[by]} succeeded`, deps, { revision: wanted.chart.revision })
}

/** Everything that the release made is ready, so it is deployed. */
async function noteReady(work: PreparedWork, deps: SyncReleaseDeps): Promise<{ problem?: string }> {
  const { failed } = work.stored.record ?? {}
  const { readyDue, ...applied } = work.stored.record?.applied ?? { ...appliedNow(work), readyDue: undefined }
  enterDeployed(readyDue?.by ?? 'upgrade', work, deps)
  await settle(work, { applied, ...(failed && mustTest(applied, work) ? { failed } : {}) }, deps)
  if (readyDue) countAction(readyDue.by, { success: true, began: beganAt(readyDue) }, work, deps)
  return {}
}

/** helm's own record says failed, so that everything after it goes as after a `helm --wait` that waited in vain. */
async function giveUpWaiting(
  { by, why }: Extract<Action, { do: 'give up waiting' }>,
  work: PreparedWork,
  deps: SyncReleaseDeps,
): Promise<{ problem?: string }> {
  const message = `not ready within ${work.spec.timeoutSeconds} s: ${deps.redactor.redact(why)}`
  if (work.revisions.at(-1)?.state === 'deployed')
    await markRevision(latestOf(work), `Marked as failed by Capstan: ${message}`, work, deps)
  await lookAgain(work, deps)
  const { readyDue } = work.stored.record?.applied ?? {}
  await noteFailure(work, { by, outcome: { reason: 'NotHealthy', message }, stored: true }, deps)
  if (readyDue) countAction(by, { success: false, began: beganAt(readyDue) }, work, deps)
  return { problem: message }
}

async function runHelm(
  verb: 'install' | 'upgrade',
  how: Pick<HelmWrite, 'wait' | 'began' | 'edit'>,
  work: PreparedWork,
  deps: SyncReleaseDeps,
): Promise<HelmOutcome> {
  const { spec, wanted, signal } = work
  const request = { ...releaseRequest(spec, wanted.chart, wanted.values), ...how }
  deps.fence.check()
  if (verb === 'install') return await deps.helm.install(request, signal)
  const { resetValues, forceUpgrade, maxHistory } = spec
  const upgrade = { ...request, resetValues, force: forceUpgrade, maxHistory }
  if (spec.rollback.enable && !spec.disableOpenApiValidation) {
    const refused = await findWrongTypes({ ...upgrade, verb }, work, deps)
    if (refused) return refused
    deps.fence.check()
  }
  return await deps.helm.upgrade(upgrade, signal)
}

/** What a failed or interrupted first install left, and the history of a release that was removed by hand. */
async function removeRemains(work: Work, deps: SyncReleaseDeps): Promise<{ problem?: string }> {
  await begin(work, { verb: 'uninstall' }, deps)
  narrate(work.spec, 'running uninstall', deps)
  deps.fence.check()
  const began = deps.now().getTime()
  const foreign = await notMadeByInstall(work, deps)
  const outcome = foreign
    ? await forgetHistory(foreign, work, deps)
    : await deps.helm.uninstall({ ...target(work), timeoutSeconds: work.spec.timeoutSeconds }, work.signal)
  await lookAgain(work, deps)
  if (!foreign) countAction('uninstall', { success: outcome.ok, began }, work, deps)
  if (!outcome.ok) return { problem: `what an install left could not be removed: ${outcome.message}` }
  const { failed } = work.stored.record ?? {}
  // the next install begins with revision 1 anew, and that one has not failed
  await settle(work, failed ? { failed: { ...failed, revision: 0 } } : {}, deps)
  return {}
}

/** helm would delete what it did not make. What it did make says so, and the next install takes it over. */
async function forgetHistory(foreign: string, work: Work, deps: SyncReleaseDeps): Promise<HelmOutcome> {
  const { spec, revisions, signal } = work
  for (const { revision } of revisions) {
    deps.fence.check()
    await deps.cluster.delete(secretRef(spec, revision), {}, signal)
  }
  deps.log.warn(
    { release: spec.release },
    `${foreign} was not made by this release: helm's history is forgotten and all objects are left as they are`,
  )
  return { ok: true }
}

const unlocked = 'Marked as failed by Capstan: the process that ran helm is gone'

/** helm's lock on a revision whose run is dead. The intent stays: it says whose revision that was. */
async function unlock(revision: number, work: Work, deps: SyncReleaseDeps): Promise<{ problem?: string }> {
  if (!(await markRevision(revision, unlocked, work, deps)))
    return { problem: `revision ${revision} is locked and its Secret cannot be read` }
  const { object, spec, signal } = work
  const message = `revision ${revision} of release ${spec.release} was locked and is marked as failed: the process that ran helm is gone`
  deps.log.info({ release: spec.release, revision }, message)
  await announce(object, { type: 'Warning', reason: 'ReleaseUnlocked', message }, deps, signal)
  return {}
}

/** What is deployed is what is wanted: written down, no revision made. */
async function adopt(work: PreparedWork, deps: SyncReleaseDeps): Promise<{ problem?: string }> {
  const { intent } = work.stored.record ?? {}
  const by = intent?.verb === 'install' ? 'install' : 'upgrade'
  const { testDue, ...applied } = appliedNow(work)
  // a run of ours that did not live to say so: what comes after it is still due
  const ready = intent && work.spec.wait ? { readyDue: readyDue(by, work, deps) } : {}
  // whoever else deployed it has tested it as it was asked for
  const tests = intent || !work.spec.test.enable ? { testDue } : {}
  await settle(work, { applied: { ...applied, ...tests, ...ready } }, deps)
  await markObjects(work, deps)
  return {}
}

export function nameOf({ chart }: Wanted): string {
  return `${chart.name} ${chart.version}`
}

/** A run cannot go on without chart and values. */
export function mustBePrepared(work: Work): asserts work is PreparedWork {
  if (!work.wanted) throw new AppError('InternalError', 'a step was decided without chart and values')
}
