import { type Condition, conditionOf, isObserved, listAt, mapAt } from '../health/fields.ts'
import type { KubeObject } from '../manifest/object.ts'
import type { Reason } from '../status/reason.ts'
import { type Suspension, suspensionMessage } from '../status/suspension.ts'
import { failureOf, isReason, type JobFact, nextRunOf, placeOf } from './job-fact.ts'
import { makeStep, type Step } from './step.ts'

/** What is recorded about one HelmRelease. */
export type ReleaseFacts = {
  /** `namespace/name`. */
  id: string
  object: KubeObject
  suspended: Suspension | undefined
  /** As `capstan status` shows it. */
  ready: boolean
  /** A word of the list, or the phase that the HelmRelease is in. */
  reason: string
  message: string
  chart: string
  /** helm's number; 0 while there is none. */
  revision: number
  /** RFC 3339: when inputs that failed are tried again, by our record; empty for none. */
  retryAt: string
  job: JobFact | undefined
  redisIsUp: boolean
  /** RFC 3339: when this was read. */
  observedAt: string
}

const ofHold = new Set<Reason>([
  'Suspended',
  'DependencyNotReady',
  'DependencyCycle',
  'AdoptionHold',
  'RolledBack',
  'UpgradeLoop',
  'OtherWriter',
])
/** Of these the ones that stay until somebody does something; they are looked at again, and nothing comes of it. */
const untilSomebodyActs = new Set<Reason>(['DependencyCycle', 'AdoptionHold', 'RolledBack', 'UpgradeLoop'])
/** Phases that say "at work" (helm-operator §1.3). */
const atWork = new Set(['Installing', 'Upgrading', 'RollingBack', 'Testing', 'ChartFetched', 'Deployed'])

/** Queue, hold and helm: how far a release has come. */
export function releaseSteps(facts: ReleaseFacts): Step[] {
  return [queueStep(facts), holdStep(facts), applyStep(facts)]
}

function queueStep({ id, object, job, redisIsUp, observedAt }: ReleaseFacts): Step {
  if (!redisIsUp) {
    const message = 'Redis does not answer; no release is worked on meanwhile'
    return makeStep('queue', id, 'stopped', { reason: 'RedisUnavailable', message })
  }
  const failure = failureOf(job)
  const at = job?.startedAt ?? job?.requestedAt ?? ''
  if (failure) return makeStep('queue', id, 'stopped', { ...failure, at, nextTryAt: nextRunOf(job) })
  if (job?.state === 'delayed') {
    const parts = { at: observedAt, message: `${job.id} runs again`, nextTryAt: nextRunOf(job) }
    return makeStep('queue', id, 'done', parts)
  }
  if (isWorkedOn(object)) {
    return makeStep('queue', id, 'done', { at: observedAt, message: 'the latest change was worked on' })
  }
  const message = job ? placeOf(job) : 'the latest change has not been worked on yet'
  return makeStep('queue', id, 'waiting', { reason: 'NotReady', at, message })
}

function isWorkedOn(object: KubeObject): boolean {
  return isObserved(object) && mapAt(object, 'status').observedGeneration !== undefined
}

function holdStep({ id, object, suspended, ready, reason, message, job, observedAt }: ReleaseFacts): Step {
  if (suspended) {
    const parts = { at: suspended.since, message: suspensionMessage(suspended), command: `capstan helm resume ${id}` }
    return makeStep('hold', id, 'stopped', { reason: 'Suspended', ...parts })
  }
  if (!ready && isReason(reason) && ofHold.has(reason)) {
    const nextTryAt = untilSomebodyActs.has(reason) ? '' : nextRunOf(job)
    return makeStep('hold', id, 'stopped', { at: timeOf(object), reason, message, nextTryAt })
  }
  return makeStep('hold', id, 'done', { at: observedAt, message: 'nothing holds it' })
}

function applyStep(facts: ReleaseFacts): Step {
  const { id, object, ready, reason, message, chart, revision, job } = facts
  const at = timeOf(object)
  if (ready) return makeStep('apply', id, 'done', { at, message: `helm's revision ${revision}, chart ${chart}` })
  const word = isReason(reason) ? reason : 'HelmFailed'
  const nextTryAt = nextRunOf(job) || facts.retryAt
  const { phase } = mapAt(object, 'status')
  const isAtWork = reason === 'NotReady' || (typeof phase === 'string' && atWork.has(phase))
  if (ofHold.has(word) || (facts.suspended && isAtWork)) {
    return makeStep('apply', id, 'waiting', { at, reason: 'NotReady', message: 'helm is not run meanwhile', nextTryAt })
  }
  if (isAtWork) return makeStep('apply', id, 'waiting', { at, reason: 'NotReady', message, nextTryAt })
  return makeStep('apply', id, 'stopped', { at, reason: word, message, nextTryAt })
}

/** When the outcome of the release was told last. */
function timeOf(object: KubeObject): string {
  const released: Condition | undefined = conditionOf(object, 'Released')
  if (!released) return ''
  for (const entry of listAt(mapAt(object, 'status'), 'conditions')) {
    const { type, lastUpdateTime } = (entry ?? {}) as { type?: unknown; lastUpdateTime?: unknown }
    if (type === 'Released' && typeof lastUpdateTime === 'string') return lastUpdateTime
  }
  return ''
}
