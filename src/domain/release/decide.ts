import { never } from '../../lib/never.ts'
import type { Reason } from '../status/reason.ts'
import { adoptionOf, approveAnnotation } from './approval.ts'
import { type Failed, inputsOf, isFailedWish } from './record.ts'
import type { ReleaseSpec } from './spec.ts'
import {
  foreignPendingMs,
  isRollbackWaited,
  lastGoodRevision,
  type ReleaseFacts,
  type ReleaseState,
  wasEverDeployed,
} from './state.ts'
import { isLoop } from './upgrade-loop.ts'

/** What changes something; one helm verb at most. */
export type Action =
  | { do: 'install' }
  | { do: 'upgrade'; why: string }
  | { do: 'rollback'; revision: number; why: string }
  | { do: 'test' }
  /** helm's lock on a revision whose run is dead: the revision is marked failed, as helm itself does when it is stopped. */
  | { do: 'unlock'; revision: number }
  /** A first install that never finished, or history without a release: helm uninstall. */
  | { do: 'remove remains' }
  /** Write down that what is deployed is what is wanted; no helm. */
  | { do: 'adopt' }
  /** Write down that all of it is ready; no helm. */
  | { do: 'note ready' }
  /** It did not become ready in time: its revision is marked failed, as `helm --wait` does it. */
  | { do: 'give up waiting'; by: 'install' | 'upgrade'; why: string }
  /** The same two for what a rollback made. */
  | { do: 'note rolled back' }
  | { do: 'give up rollback'; why: string }

/** The end of a run. */
export type Stop =
  | { do: 'nothing' }
  /** Stand still until something changes. */
  | { do: 'hold'; reason: Reason; message: string }
  /** Stand still for a while. `failed`: what went wrong with these inputs. */
  | {
      do: 'wait'
      reason: Reason
      message: string
      afterMs: number
      failed?: Failed
      forReadinessOf?: Awaited
    }

/** What readiness is waited for after. */
export type Awaited = 'install' | 'upgrade' | 'rollback'

export type Step = Action | Stop

/** `isAskedFor`: a person asked, or something that was missing has come; back-off does not count (rulings 11, W2). */
export type Urgency = { isAskedFor: boolean }

/** `upgradeLimit`: so many upgrades for the same inputs; one more is a loop. 0 for no limit. */
export type Policy = Urgency & {
  upgradeLimit: number
  /** A failed first install stays for people to look at, and is upgraded over (ruling 11). */
  keepFailedInstall: boolean
}

/** A job's reason that begins so says that something came that may have been missing: a namespace, a definition (ruling 11). */
export const arrivedReason = 'arrived: '

const busyMs = 3_000
const soonestLookMs = 1_000
const latestLookMs = 15_000

const whyUpgraded = {
  'out of sync': 'chart or values changed',
  'foreign inputs': 'what is deployed differs from what is wanted',
  'changed by hand': 'the release was changed by hand',
} as const

/** Pure: state → step. helm-operator §4.1, §4.2, mended as its complaints 1, 2 and 7 ask. */
export function decide(
  state: Exclude<ReleaseState, 'inputs needed'>,
  facts: ReleaseFacts,
  spec: ReleaseSpec,
  policy: Policy,
): Step {
  if (isAsWanted(state)) return asWanted(state, facts, spec)
  switch (state) {
    case 'absent':
      return { do: 'install' }
    case 'out of sync':
    case 'foreign inputs':
    case 'changed by hand':
      return unlessLoop({ do: 'upgrade', why: whyUpgraded[state] }, facts, spec, policy)
    case 'failed':
      return unlessLoop(upgradeOver(facts, 'the last revision failed', policy), facts, spec, policy)
    case 'failed inputs':
      return afterFailure(facts, spec, policy)
    case 'interrupted':
      return afterInterruption(facts, policy)
    case 'removed':
      return { do: 'remove remains' }
    case 'busy':
      return wait(facts)
    case 'foreign trouble':
    case 'foreign owner':
      return hold(state, facts)
    default:
      return never(state)
  }
}

const asWantedStates = ['in sync', 'unready', 'untested', 'adoptable'] as const
type AsWanted = (typeof asWantedStates)[number]

function isAsWanted(state: ReleaseState): state is AsWanted {
  return asWantedStates.some((one) => one === state)
}

function asWanted(state: AsWanted, facts: ReleaseFacts, spec: ReleaseSpec): Step {
  if (state === 'unready') return untilReady(facts, spec)
  if (state === 'untested') return { do: spec.test.enable ? 'test' : 'nothing' }
  return { do: state === 'adoptable' ? 'adopt' : 'nothing' }
}

/**
 * The loop breaker: what is upgraded again and again without an input change is left as it is. A failure with its own back-off is none.
 */
function unlessLoop(step: Step, facts: ReleaseFacts, { generation }: ReleaseSpec, { upgradeLimit }: Policy): Step {
  const { record, wanted, now } = facts
  const next = { inputs: wanted ? inputsOf(wanted) : '', generation, now }
  if (step.do !== 'upgrade' || !isLoop(record?.upgrades, next, upgradeLimit)) return step
  const message =
    `it was upgraded ${record?.upgrades?.count ?? 0} times without a change of chart, values or spec, each time because ${step.why}. ` +
    'Find who changes it (helm history), then ask for a sync or change an input'
  return { do: 'hold', reason: 'UpgradeLoop', message }
}

/** Waiting is not a worker's time (W6): it is looked at now and then, seldom when it takes long. */
function untilReady({ record, readiness, revisions, now }: ReleaseFacts, { wait: isWaited }: ReleaseSpec): Step {
  const due = record?.applied?.readyDue ?? { by: 'upgrade', since: '', until: '' }
  const isDeployed = revisions.at(-1)?.state === 'deployed'
  if (isDeployed && (!isWaited || readiness?.isReady)) return { do: 'note ready' }
  const { why } = readiness ?? { why: 'it is marked as failed' }
  if (!isDeployed || !(now < Date.parse(due.until))) return { do: 'give up waiting', by: due.by, why }
  return lookLater(due, now, { why, forReadinessOf: due.by })
}

function lookLater(
  due: { since: string; until: string },
  now: number,
  { why, forReadinessOf }: { why: string; forReadinessOf: Awaited },
): Stop {
  const [since, until] = [Date.parse(due.since), Date.parse(due.until)]
  const afterMs = Math.min(Math.max((now - since) / 4, soonestLookMs), latestLookMs, until - now)
  return { do: 'wait', reason: 'NotReady', message: `waiting for ${why}`, afterMs, forReadinessOf }
}

/** The same after a rollback with `rollback.wait`. */
function untilRolledBack({ record, readiness, now }: ReleaseFacts, { rollback }: ReleaseSpec): Step {
  const due = record?.failed?.rollbackDue
  if (!due || !rollback.wait || !readiness || readiness.isReady) return { do: 'note rolled back' }
  if (!(now < Date.parse(due.until))) return { do: 'give up rollback', why: readiness.why }
  return lookLater(due, now, { why: readiness.why, forReadinessOf: 'rollback' })
}

function hold(state: 'foreign trouble' | 'foreign owner', facts: ReleaseFacts): Stop {
  if (state === 'foreign trouble') return { do: 'hold', reason: 'AdoptionHold', message: troubleOf(facts) }
  return { do: 'hold', reason: 'OtherWriter', message: `the release belongs to ${String(facts.otherOwner)}` }
}

function troubleOf({ revisions }: ReleaseFacts): string {
  const latest = revisions.at(-1)
  const what =
    latest?.state === 'deployed'
      ? 'the Helm Operator rolled this spec back'
      : `revision ${latest?.revision ?? 0} is ${latest?.state ?? 'absent'} and was not begun by Capstan`
  const approval = `${approveAnnotation}=${adoptionOf(latest?.revision ?? 0)}`
  return `${what}; it is left alone until chart or values change, somebody mends it with helm, or it is annotated ${approval}`
}

function wait({ record, revisions, now }: ReleaseFacts): Step {
  const message = 'helm is at work on this release in another process'
  if (record?.intent) return { do: 'wait', reason: 'OtherWriter', message, afterMs: busyMs }
  const { revision, state, changedAt } = revisions.at(-1) ?? { revision: 0, state: 'unknown', changedAt: now }
  const until = changedAt + foreignPendingMs
  const whose = `revision ${revision} is ${state} and was not begun by Capstan`
  const end = `unless something happens to it, it counts as dead at ${new Date(until).toISOString()}`
  const words = `${message}: ${whose}; ${end}`
  return { do: 'wait', reason: 'OtherWriter', message: words, afterMs: Math.max(until - now, busyMs) }
}

/** helm upgrades over a failed revision; what never was deployed is installed anew, so that its install hooks run. */
function upgradeOver({ revisions, record }: ReleaseFacts, why: string, { keepFailedInstall }: Policy): Step {
  const isOwnInstall = record?.intent?.verb === 'install' || record?.failed?.by === 'install'
  return isOwnInstall && !keepFailedInstall && !wasEverDeployed(revisions)
    ? { do: 'remove remains' }
    : { do: 'upgrade', why }
}

function afterInterruption({ revisions, record }: ReleaseFacts, { keepFailedInstall }: Policy): Step {
  const latest = revisions.at(-1)
  if (latest?.state === 'uninstalling') return { do: 'remove remains' }
  const isFirst = record?.intent?.verb === 'install' && !wasEverDeployed(revisions)
  if (isFirst && !keepFailedInstall) return { do: 'remove remains' }
  return { do: 'unlock', revision: latest?.revision ?? 0 }
}

/**
 * First what the failure left is remedied, then only `rollback.enable` gives up, by its budget (helm-operator §4.1-6); everything else
 * is tried again for ever with back-off (ruling 11).
 */
function afterFailure(facts: ReleaseFacts, spec: ReleaseSpec, policy: Policy): Step {
  const failed = facts.record?.failed
  if (!failed) return { do: 'upgrade', why: 'the last revision failed' }
  if (isUntested(facts, failed) && !spec.test.enable) return { do: 'adopt' }
  const { reason, message } = failed
  const isTime = policy.isAskedFor || Date.parse(failed.retryAt) <= facts.now
  const isDue = isTime || !isFailedWish(failed, spec)
  const remedy = remedyOf(facts, spec, { isTime, ...policy })
  if (remedy) return remedy
  const latest = facts.revisions.at(-1)
  if (latest && isRollbackWaited(latest, facts)) return untilRolledBack(facts, spec)
  if (isRolledBack(facts, failed) && !mayRetry(failed, spec)) return { do: 'hold', reason, message }
  if (isDue) return tryAgain(facts, failed)
  return { do: 'wait', reason, message, afterMs: Math.max(Date.parse(failed.retryAt) - facts.now, 0), failed }
}

/**
 * What a failure leaves behind and must go before anything else. A rollback that failed has its time, also where a new generation is to be
 * tried at once.
 */
function remedyOf(
  facts: ReleaseFacts,
  { rollback }: ReleaseSpec,
  { isTime, keepFailedInstall }: Policy & { isTime: boolean },
): Step | undefined {
  const failed = facts.record?.failed
  if (!failed || wasGood(facts, failed)) return undefined
  if (facts.revisions.at(-1)?.state === 'uninstalled') return { do: 'remove remains' }
  if (mustRemove(facts, failed)) return keepFailedInstall ? undefined : { do: 'remove remains' }
  if (!rollback.enable || (failed.rollbackFailed !== undefined && !isTime)) return undefined
  const revision = rollbackTarget(facts, failed)
  return revision === undefined ? undefined : { do: 'rollback', revision, why: failed.message }
}

/** Failed tests are run again without a new revision. */
function tryAgain(facts: ReleaseFacts, failed: Failed): Step {
  if (facts.revisions.length === 0) return { do: 'install' }
  return isUntested(facts, failed) ? { do: 'test' } : { do: 'upgrade', why: 'tried again' }
}

/** Nothing is wrong with what is deployed but its tests. */
function isUntested({ revisions }: ReleaseFacts, { by, revision }: Failed): boolean {
  const latest = revisions.at(-1)
  return by === 'test' && latest?.state === 'deployed' && latest.revision === revision
}

/** It ran well before its tests were switched on, so it stays. */
function wasGood(facts: ReleaseFacts, failed: Failed): boolean {
  return isUntested(facts, failed) && facts.record?.good === failed.revision
}

/** A failed first install, or one whose tests failed, is taken away again (ruling 11; helm-operator §4.2). */
function mustRemove({ revisions }: ReleaseFacts, failed: Failed): boolean {
  const latest = revisions.at(-1)
  if (!latest || !failed.stored || failed.by === 'upgrade') return false
  if (failed.by === 'install') return !wasEverDeployed(revisions)
  return revisions.length === 1 && latest.revision === 1 && failed.revision === 1
}

/** The revision to go back to, as long as nobody deployed another one since. */
function rollbackTarget(facts: ReleaseFacts, failed: Failed): number | undefined {
  const latest = facts.revisions.at(-1)?.revision ?? 0
  if (!failed.stored || isRolledBack(facts, failed)) return undefined
  // what a rollback made that failed lies between, where another one was begun and made nothing
  if (latest < failed.revision || latest > (failed.rolledBackTo ?? failed.revision)) return undefined
  return lastGoodRevision(facts.revisions, failed.revision, facts.record?.good)
}

function isRolledBack({ revisions }: ReleaseFacts, { rolledBackTo }: Failed): boolean {
  const latest = revisions.at(-1)
  return latest !== undefined && latest.revision === rolledBackTo && latest.state === 'deployed'
}

/** The budget of helm-operator §4.1-6. */
function mayRetry(failed: Failed, spec: ReleaseSpec): boolean {
  const { rollback } = spec
  if (!rollback.enable || !isFailedWish(failed, spec)) return true
  return rollback.retry && (rollback.maxRetries === 0 || failed.rollbacks <= rollback.maxRetries)
}
