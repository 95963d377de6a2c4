import { toAppError } from '../../domain/error.ts'
import type { KubeObject } from '../../domain/manifest/object.ts'
import { arrivedReason, decide, type Action, type Policy, type Step, type Stop } from '../../domain/release/decide.ts'
import { keepsFailedInstall } from '../../domain/release/approval.ts'
import { otherStatusWriter } from '../../domain/release/ownership.ts'
import { inputsOf } from '../../domain/release/record.ts'
import { isReleaseReady } from '../../domain/release/is-ready.ts'
import { nameProblem, type ReleaseSpec, readSpec } from '../../domain/release/spec.ts'
import { type ReleaseState, releaseState } from '../../domain/release/state.ts'
import { suspensionMessage } from '../../domain/status/suspension.ts'
import { backoffMs } from '../../domain/work/backoff.ts'
import { type JobPayload, laneOfReason, type Outcome } from '../../domain/work/job.ts'
import { act, mustBePrepared, remedy } from './act.ts'
import type { SyncReleaseDeps } from './deps.ts'
import { answerRollback, pinOf } from './answer-rollback.ts'
import { countSync } from './count.ts'
import { createNamespace } from './create-namespace.ts'
import { findWait } from './depends-on.ts'
import { digestsOf, noteHold, noteSuspension } from './keep-record.ts'
import { findLeft, tidyLeft } from './left-behind.ts'
import { findHelmRelease } from './legacy.ts'
import { doAlone, memoryOf } from './memory.ts'
import { narrate } from './narrate.ts'
import { observe, readRecord, readRecordOf } from './observe.ts'
import type { Work } from './work.ts'
import { inOwnTime } from './own-time.ts'
import { prepare } from './prepare.ts'
import { anewReason, removeOrphans } from './orphans.ts'
import { keepFinalizer } from './finalizer.ts'
import { removeRelease } from './remove.ts'
import { conclude, type Conclusion, reportUnprepared, tell, tellSuspension } from './report.ts'
import { type Reads, noteReads } from './reads.ts'
import { noteRest } from './rest.ts'
import { accountProblem, withRights } from './rights.ts'
import { createStatusWriter } from './status.ts'
import { tellHistory } from './tell-history.ts'

/**
 * Brings one HelmRelease to what it asks for: observe, decide, one helm verb, look again. Starts no helm process and writes nothing
 * when nothing changed; killed at any line, the next run finishes the work.
 */
export async function syncRelease(payload: JobPayload, given: SyncReleaseDeps, signal: AbortSignal): Promise<Outcome> {
  const { namespace, name } = payload
  if (given.releaseNamespace !== '' && namespace !== given.releaseNamespace)
    return { end: 'done', summary: `only HelmReleases in ${given.releaseNamespace} are worked on (--allow-namespace)` }
  const reads = noteReads(given.cluster)
  const memory = memoryOf(given)
  const deps = { ...given, ...wishOf(payload), memory, cluster: reads.cluster, ownCluster: given.cluster }
  const found = await findHelmRelease({ namespace, name }, deps, signal)
  if ('none' in found) {
    if (!found.isGone) return { end: 'done', summary: found.none }
    forget(`${namespace}/${name}`, deps)
    const outcome = await removeOrphans({ namespace, name }, deps, signal)
    return outcome ?? { end: 'done', summary: found.none }
  }
  const { object } = found
  const spec = readSpec(object, deps.defaults)
  const theirs = withRights(spec, found.deps)
  const key = `${spec.targetNamespace}/${spec.release}`
  if (payload.reason === anewReason) {
    const outcome = await removeOrphans({ namespace, name, now: { uid: spec.uid, key } }, deps, signal)
    if (outcome?.end === 'again') return outcome
  }
  return await doAlone(key, memory, async () => {
    if (!spec.deleting) return await converge(object, spec, payload.reason, { deps: theirs, reads, signal })
    try {
      return await removeRelease(object, spec, theirs, signal)
    } finally {
      for (const one of [memory.seen, memory.ahead]) one.delete(key)
    }
  })
}

function forget(id: string, deps: SyncReleaseDeps): void {
  const memory = memoryOf(deps)
  memory.failures.delete(id)
  memory.chartSources.delete(id)
  memory.suspended.delete(id)
  memory.nothingLeft.delete(id)
  memory.secrets.get(id)?.()
  memory.secrets.delete(id)
}

/** Who asks for a sync means what is in git now; who only waits for the next look takes the last one. */
export function wishOf({ reason, requestedAt }: JobPayload): Pick<SyncReleaseDeps, 'freshAfter'> {
  const at = Date.parse(requestedAt)
  return laneOfReason(reason) === 'person' && !Number.isNaN(at) ? { freshAfter: at } : {}
}

type Means = { deps: SyncReleaseDeps; reads: Reads; signal: AbortSignal }

async function converge(object: KubeObject, spec: ReleaseSpec, why: string, means: Means): Promise<Outcome> {
  const { deps, reads, signal } = means
  const started = deps.now().getTime()
  const stored = { record: undefined, resourceVersion: '' }
  const begun = { object, spec, signal, began: started, stored, revisions: [], left: [], notes: [] }
  const work: Work = Object.assign(begun, { status: await createStatusWriter(begun, deps) })
  const { status } = work
  if (spec.suspended) return await standStill(work, suspensionMessage(spec.suspended), deps)
  memoryOf(deps).suspended.delete(`${spec.namespace}/${spec.name}`)
  const before = status.current().revision ?? ''
  const conclusion = await countSync(runWithin(work, why, deps), work, deps)
  if (conclusion.isGone) return await removeRelease(object, spec, deps, signal)
  const seen = Math.max(spec.generation, status.current().observedGeneration ?? 0)
  if (conclusion.observed) status.set({ observedGeneration: seen })
  await tellHistory(work, conclusion, { why, started, before }, deps)
  await status.write()
  await tell(work, conclusion, deps)
  if (conclusion.ok) await noteRest(work, reads, deps)
  const { ok, summary } = conclusion
  if (ok) return { end: 'done', summary }
  if (conclusion.bug) throw conclusion.bug
  return { end: 'again', afterMs: conclusion.afterMs, why: summary, ...(conclusion.answered ? { answered: true } : {}) }
}

async function standStill(work: Work, message: string, deps: SyncReleaseDeps): Promise<Outcome> {
  const { spec, status, signal } = work
  if (!deps.finalizer && !barOf(spec, deps)) {
    work.stored = await readRecord(spec, deps, signal)
    await noteSuspension(work, true, deps)
  }
  status.enter('Suspended', message)
  await status.write()
  await tellSuspension(work, message, deps)
  return { end: 'done', summary: message }
}

/** What nobody foresaw ends the run, too, and the status says it unless it passes by itself. */
async function runWithin(work: Work, why: string, deps: SyncReleaseDeps): Promise<Conclusion> {
  const { spec, signal } = work
  try {
    const bar = barOf(spec, deps)
    if (bar) return conclude(bar, work, '')
    work.stored = await readRecordOf(work, deps)
    const here = { key: `${spec.targetNamespace}/${spec.release}`, now: deps.now().getTime() }
    work.stored.record = inOwnTime(work.stored.record, here, deps)
    work.failedBefore = work.stored.record?.failed?.inputs
    await noteSuspension(work, false, deps)
    work.left = await findLeft(work, deps)
    const isPerson = laneOfReason(why) === 'person'
    // a person has looked at it: it may be upgraded again as often as at first
    if (isPerson && work.stored.record) delete work.stored.record.upgrades
    const isAskedFor = isPerson || why.startsWith(arrivedReason)
    const policy = {
      isAskedFor,
      upgradeLimit: deps.upgradeLimit,
      keepFailedInstall: keepsFailedInstall(work.object, deps.failedInstall),
    }
    const done: Done = new Set()
    const conclusion = await run(work, { policy, done }, deps)
    memoryOf(deps).failures.delete(`${spec.namespace}/${spec.name}`)
    return isAskedFor && wasTried(done) ? { ...conclusion, answered: true } : conclusion
  } catch (error) {
    signal.throwIfAborted()
    return await reportUnprepared(toAppError(error), work, deps)
  }
}

/** Why nothing can be read for the release, not even our record of it. */
function barOf(spec: ReleaseSpec, deps: SyncReleaseDeps): Stop | undefined {
  const problem = nameProblem(spec)
  if (problem) return { do: 'hold', reason: 'InvalidValues', message: problem }
  const message = accountProblem(spec, deps)
  return message === undefined ? undefined : { do: 'hold', reason: 'NoServiceAccount', message }
}

/** What stands in the way before anything is looked at. */
function refusal({ object, spec, stored }: Work, now: number): Stop | undefined {
  if (spec.helmVersion === 'v2') {
    const message = 'helm 2 is not supported; migrate the release and set helmVersion: v3'
    return { do: 'hold', reason: 'HelmV2Release', message }
  }
  const other = stored.record?.since ? otherStatusWriter(object, stored.record.since, now) : undefined
  if (!other) return undefined
  return { do: 'hold', reason: 'OtherWriter', message: `${other} works on this HelmRelease too; stop one of the two` }
}

/** What never was released waits for its dependencies before its chart and values are looked at: they may come with them. */
function firstStop(work: Work, wait: Stop | undefined, { now }: SyncReleaseDeps): Stop | undefined {
  return refusal(work, now().getTime()) ?? (isReleaseReady(work.object) ? undefined : wait)
}

type Done = Set<Action['do']>

/** What makes way for a try, or notes what one made, and is none itself. */
const noTries: ReadonlySet<Action['do']> = new Set([
  'unlock',
  'remove remains',
  'adopt',
  'note ready',
  'note rolled back',
] as const)

/** A request is answered by one try: what fails then has its back-off (ruling 11). */
function wasTried(done: Done): boolean {
  return [...done].some((action) => !noTries.has(action))
}

/** A rollback is told before what was rolled back is tried again: people count them. */
function wentBack(done: Done): boolean {
  return done.has('rollback') || done.has('note rolled back')
}

/** Looks, decides and acts until there is nothing more to do; no kind of action is done twice in one run. */
async function run(
  work: Work,
  { policy, done }: { policy: Policy; done: Done },
  deps: SyncReleaseDeps,
): Promise<Conclusion> {
  const wait = await findWait(work.spec, deps, work.signal)
  const stop = firstStop(work, wait, deps)
  if (stop) return conclude(stop, work, '')
  let action = ''
  for (;;) {
    work.signal.throwIfAborted()
    const urgency = { ...policy, isAskedFor: policy.isAskedFor && !wasTried(done) }
    const found = await nextStep(work, { wait, policy: urgency }, deps)
    if (!found) continue
    const { state, step } = found
    deps.log.debug({ release: work.spec.release, state, step: step.do }, 'decided')
    if (isStop(step)) return await stopAt(step, { state, action }, work, deps)
    const enough = enoughDone(step, { action, done }, work, deps)
    if (enough) return enough
    done.add(step.do)
    action ||= step.do
    work.doing = step.do
    const { problem } = await take(step, work, deps)
    work.doing = undefined
    if (step.do === 'install' && (await isGone(work, 'in sync', deps))) return gone(action)
    if (problem && !work.stored.record?.failed) return troubled(problem, action, deps)
  }
}

/** How the run ends where this step is not for this run. */
function enoughDone(
  step: Action,
  { action, done }: { action: string; done: Done },
  work: Work,
  deps: SyncReleaseDeps,
): Conclusion | undefined {
  const told = step.do === 'upgrade' && wentBack(done) ? asFailed(action, 0, work, deps) : undefined
  return told ?? (done.has(step.do) ? spinning(step, action, work, deps) : undefined)
}

/** What is to be done next; undefined where something was read or answered first, so that it is to be looked at again. */
async function nextStep(
  work: Work,
  { wait, policy }: { wait: Stop | undefined; policy: Policy },
  deps: SyncReleaseDeps,
): Promise<{ state: ReleaseState; step: Step } | undefined> {
  const facts = await observe(work, deps)
  const state = releaseState(facts)
  if (state === 'inputs needed') {
    await prepare(work, deps)
    return undefined
  }
  if (await answerRollback(work, state, deps)) return undefined
  return { state, step: pinOf(work) ?? waiting(decide(state, facts, work.spec, policy), wait) }
}

async function stopAt(
  step: Stop,
  { state, action }: { state: ReleaseState; action: string },
  work: Work,
  deps: SyncReleaseDeps,
): Promise<Conclusion> {
  if (state === 'foreign trouble') await holdBack(work, deps)
  if (await isGone(work, state, deps)) return gone(action)
  if (step.do === 'nothing') work.notes = await tidyLeft(work, deps)
  if (state === 'failed inputs' && step.do === 'hold' && action !== '') narrate(work.spec, comparedWith(work), deps)
  return conclude(step, work, action)
}

/** The Operator's words for it in its log, and what is done instead (ruling 19). */
function comparedWith({ stored }: Work): string {
  const revision = stored.record?.failed?.revision ?? 0
  return `instead of running dry-run upgrade to compare with release version '${revision}', which was rolled back, digests are compared until chart, values or spec change`
}

/** What is deployed stays so; what is new waits for its dependencies. */
function waiting(step: Step, wait: Stop | undefined): Step {
  return wait && (step.do === 'install' || step.do === 'upgrade') ? wait : step
}

function isStop(step: Action | Stop): step is Stop {
  return step.do === 'nothing' || step.do === 'hold' || step.do === 'wait'
}

async function take(step: Action, work: Work, deps: SyncReleaseDeps): Promise<{ problem?: string }> {
  work.revisionsAt = undefined
  if (step.do === 'unlock' || step.do === 'remove remains') return await remedy(step, work, deps)
  mustBePrepared(work)
  if (step.do === 'install') await createNamespace(work, deps)
  return await act(step, work, deps)
}

async function holdBack(work: Work, deps: SyncReleaseDeps): Promise<void> {
  mustBePrepared(work)
  await noteHold(work, deps)
}

/** A release of ours exists: the HelmRelease is kept until it is removed. True when the HelmRelease is going already. */
async function isGone(work: Work, state: ReleaseState, deps: SyncReleaseDeps): Promise<boolean> {
  const isOurs =
    work.stored.record?.owner.uid === work.spec.uid && state !== 'foreign trouble' && state !== 'foreign owner'
  if (!isOurs || work.revisions.length === 0) return false
  return (await keepFinalizer(work, deps)) === 'gone'
}

function gone(action: string): Conclusion {
  return { ok: true, isGone: true, observed: false, action, reason: 'NotReady', summary: '', afterMs: 0 }
}

/** The world did not become what the action promised: looked at again later instead of now. What failed is told as it is. */
function spinning(step: Action, action: string, work: Work, deps: SyncReleaseDeps): Conclusion {
  const told = asFailed(action, backoffMs(2, deps.random), work, deps)
  return told ?? troubled(`${step.do} did not help; looked at again`, action, deps)
}

/** What is wanted failed, and is tried again when its time has come, but not before `leastMs`. Undefined when it did not. */
function asFailed(action: string, leastMs: number, work: Work, deps: SyncReleaseDeps): Conclusion | undefined {
  const { failed } = work.stored.record ?? {}
  if (!failed || !work.wanted || failed.inputs !== inputsOf(digestsOf(work.wanted))) return undefined
  const { reason, message, retryAt } = failed
  const afterMs = Math.max(Date.parse(retryAt) - deps.now().getTime(), leastMs)
  return conclude({ do: 'wait', reason, message, afterMs, failed }, work, action)
}

function troubled(problem: string, action: string, deps: SyncReleaseDeps): Conclusion {
  const summary = `HelmFailed: ${problem}`
  return { ok: false, observed: true, action, reason: 'HelmFailed', summary, afterMs: backoffMs(2, deps.random) }
}
