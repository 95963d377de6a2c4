import { parseRevision } from '../source/revision.ts'
import type { FetchFact, SourceFailure, SourceStatus } from '../source/status.ts'
import type { Reason } from '../status/reason.ts'
import { type Suspension, suspensionMessage } from '../status/suspension.ts'
import { failureOf, type JobFact, nextRunOf, placeOf } from './job-fact.ts'
import { makeStep, type Step } from './step.ts'

/** What is recorded about one source. */
export type SourceFacts = {
  /** `namespace/name`. */
  id: string
  /** What is followed: `branch main`. */
  follows: string
  /** Empty where something else than a branch is followed. */
  branch: string
  status: SourceStatus | undefined
  /** Why there is no newer status. */
  failure: { reason: Reason; message: string } | undefined
  fetched: FetchFact | undefined
  pollIntervalMs: number
  suspended: Suspension | undefined
  fetch: JobFact | undefined
  sync: JobFact | undefined
  redisIsUp: boolean
  /** Unix milliseconds. */
  now: number
}

/** One object of the source; without it the source as a whole is meant. */
export type AboutObject = {
  id: string
  isLive: boolean
  /** RFC 3339: when it was applied last; empty when nobody knows. */
  appliedAt: string
}

type Words = { reason: Reason; message: string }

const ofRevision = new Set<Reason>([
  'GitUnreachable',
  'GitAuthFailed',
  'GitRefNotFound',
  'PathNotFound',
  'SignatureInvalid',
  'InvalidSource',
  'Unconfigured',
])
const ofHold = new Set<Reason>([
  'Suspended',
  'DependencyNotReady',
  'DependencyCycle',
  'MassDeletion',
  'OtherWriter',
  'ReadOnly',
])
/** Trouble of whom a sync needs; no status tells it, because it says nothing about the source. */
const ofQueue = new Set<Reason>(['ClusterUnavailable', 'RateLimited', 'OtherWriter', 'FenceLost', 'InternalError'])
const ofHealth = new Set<Reason>(['NotHealthy'])

/** From the revision to the apply: how far a source, or one object of it, has come. */
export function sourceSteps(facts: SourceFacts, about?: AboutObject): Step[] {
  return [revisionStep(facts), queueStep(facts), holdStep(facts, about), applyStep(facts, about)]
}

/** Whether what is followed was tried as it was fetched last. */
export function isAtHead({ status, fetched, branch }: Pick<SourceFacts, 'status' | 'fetched' | 'branch'>): boolean {
  const attempted = parseRevision(status?.attempted ?? '')
  if (!attempted || !fetched || attempted.commit !== fetched.head) return false
  return branch === '' || attempted.branch === branch
}

function revisionStep(facts: SourceFacts): Step {
  const { id, fetched, status, now, pollIntervalMs, redisIsUp } = facts
  const nextTryAt = nextFetch(facts)
  if (!redisIsUp) return makeStep('revision', id, 'unknown', { message: 'what was fetched is not known now' })
  if (!fetched) {
    const message = `${facts.follows} has not been fetched yet`
    return makeStep('revision', id, 'waiting', { reason: 'NotReady', message, nextTryAt })
  }
  const { at, reason, message } = fetched
  if (reason !== '') return makeStep('revision', id, 'stopped', { at, reason, message, nextTryAt })
  const told = status && !status.ready ? status.reason : ''
  if (status && told !== '' && ofRevision.has(told)) {
    return makeStep('revision', id, 'stopped', {
      at: status.changedAt,
      reason: told,
      message: status.message,
      nextTryAt,
    })
  }
  if (now - Date.parse(at) > 2 * pollIntervalMs) {
    const late = `${facts.follows} was fetched last more than two poll intervals ago`
    return makeStep('revision', id, 'waiting', { at, reason: 'NotReady', message: late, nextTryAt })
  }
  return makeStep('revision', id, 'done', { at, message: `${facts.follows} is at ${short(fetched.head)}` })
}

/** A failed fetch has its own time; a good one is followed by the next poll. */
function nextFetch({ fetch, fetched, pollIntervalMs }: SourceFacts): string {
  const own = nextRunOf(fetch)
  const at = Date.parse(fetched?.at ?? '')
  return own !== '' || Number.isNaN(at) ? own : new Date(at + pollIntervalMs).toISOString()
}

function queueStep(facts: SourceFacts): Step {
  const { id, sync, redisIsUp } = facts
  if (!redisIsUp) {
    const message = 'Redis does not answer; nothing is fetched or applied meanwhile'
    return makeStep('queue', id, 'stopped', { reason: 'RedisUnavailable', message })
  }
  const failure = failureOf(sync)
  if (failure && ofQueue.has(failure.reason)) {
    return makeStep('queue', id, 'stopped', { ...failure, at: sync?.startedAt ?? '', nextTryAt: nextRunOf(sync) })
  }
  if (!isAtHead(facts)) return lateStep(facts)
  return makeStep('queue', id, 'done', { at: nowOf(facts), message: 'nothing waits to be applied' })
}

/** What was fetched was not tried yet. */
function lateStep(facts: SourceFacts): Step {
  const { id, sync, status, fetched } = facts
  const now = nowOf(facts)
  if (sync?.state === 'delayed') return makeStep('queue', id, 'done', { at: now, message: placeOf(sync) })
  if (sync) {
    const at = sync.startedAt ?? sync.requestedAt
    return makeStep('queue', id, 'waiting', { reason: 'NotReady', at, message: placeOf(sync) })
  }
  if (fetched?.reason !== '' || status?.ready === false)
    return makeStep('queue', id, 'done', { at: now, message: 'nothing waits' })
  const message = 'a sync has not been asked for yet'
  return makeStep('queue', id, 'waiting', { reason: 'NotReady', message, nextTryAt: nextFetch(facts) })
}

function holdStep(facts: SourceFacts, about: AboutObject | undefined): Step {
  const { id, status, sync } = facts
  const suspended = facts.suspended ?? status?.suspended
  if (suspended) {
    const parts = { at: suspended.since, message: suspensionMessage(suspended), command: `capstan resume ${id}` }
    return makeStep('hold', id, 'stopped', { reason: 'Suspended', ...parts })
  }
  const kept = about && status?.held.find((held) => held.id === about.id)
  const held = kept ?? holdOf(status, about)
  if (!held) return makeStep('hold', id, 'done', { at: nowOf(facts), message: 'nothing holds it' })
  const commit = parseRevision(status?.attempted ?? '')?.commit
  const command = held.reason === 'MassDeletion' && commit ? `capstan approve ${id} --commit ${commit}` : ''
  const { reason, message } = held
  return makeStep('hold', id, 'stopped', {
    at: status?.changedAt ?? '',
    reason,
    message,
    command,
    nextTryAt: nextRunOf(sync),
  })
}

/** Deletions that wait keep nothing else from being applied. */
function holdOf(status: SourceStatus | undefined, about: AboutObject | undefined): Words | undefined {
  if (!status || status.ready || status.reason === '' || !ofHold.has(status.reason)) return undefined
  if (about && status.reason === 'MassDeletion') return undefined
  return { reason: status.reason, message: status.message }
}

function applyStep(facts: SourceFacts, about: AboutObject | undefined): Step {
  const { id, failure, status } = facts
  const of = about?.id ?? id
  if (failure) return makeStep('apply', of, 'stopped', failure)
  if (!status) return makeStep('apply', of, 'waiting', { reason: 'NotReady', message: 'nothing has been applied yet' })
  const at = status.changedAt
  const nextTryAt = nextRunOf(facts.sync)
  const trouble = about ? objectTrouble(status, about) : sourceTrouble(status)
  if (trouble) return makeStep('apply', of, 'stopped', { ...trouble, at, nextTryAt })
  if (!isAtHead(facts) || (about && !about.isLive)) {
    const message = about && !about.isLive ? 'it is not in the cluster' : behind(facts)
    return makeStep('apply', of, 'waiting', { at, reason: 'NotReady', message, nextTryAt })
  }
  if (!about) return makeStep('apply', of, 'done', { at, message: status.message })
  return makeStep('apply', of, 'done', {
    at: about.appliedAt || at,
    message: `applied with ${shortRevision(status.attempted)}`,
  })
}

function objectTrouble(status: SourceStatus, { id, isLive }: AboutObject): Words | undefined {
  const failed = status.failed.find((one) => one.id === id)
  if (failed) return { reason: failed.reason, message: located(failed) }
  const drifted = status.drifted.find((one) => one.id === id)
  if (drifted) {
    const what = drifted.fields.length > 0 ? drifted.fields.join(', ') : 'the whole object'
    return { reason: drifted.reason, message: `${what} changed${drifted.manager ? ` by ${drifted.manager}` : ''}` }
  }
  const file = isLive ? undefined : status.failed.find((one) => one.id === '')
  if (file) return { reason: file.reason, message: `${located(file)}; it may be defined there` }
  return status.failedCount > 0 ? undefined : sourceTrouble(status)
}

/** What keeps the source from being applied; holds, health and the revision have steps of their own. */
function sourceTrouble({ ready, reason, message, waiting, failed }: SourceStatus): Words | undefined {
  if (ready || reason === '' || waiting) return undefined
  if (ofHold.has(reason) || ofRevision.has(reason) || ofHealth.has(reason)) return undefined
  if (reason === 'NotReady' && failed.length === 0) return undefined
  const place = failed[0] ? placeIn(failed[0]) : ''
  return { reason, message: place === '' ? message : `${message} (${place})` }
}

function located(failure: SourceFailure): string {
  const place = placeIn(failure)
  return place === '' ? failure.message : `${place}: ${failure.message}`
}

function placeIn({ file, line }: SourceFailure): string {
  return line > 0 ? `${file}:${line}` : file
}

function behind({ fetched, status }: SourceFacts): string {
  const tried = status?.attempted ? `${shortRevision(status.attempted)} was applied last` : 'nothing was applied yet'
  return fetched?.head ? `${tried}, ${short(fetched.head)} is not applied yet` : tried
}

/** What is read in the moment of the question is as old as the question. */
function nowOf({ now }: SourceFacts): string {
  return new Date(now).toISOString()
}

function short(commit: string): string {
  return commit.slice(0, 7)
}

/** `main@1a2b3c4`. */
function shortRevision(revision: string): string {
  return revision.replace(/@([0-9a-f]{7})[0-9a-f]{33}$/, '@$1')
}
