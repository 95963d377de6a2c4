import type { Job } from 'bullmq'
import type { JobKind, JobPayload } from '../../domain/work/job.ts'
import { readPayload } from '../../domain/work/payload.ts'
import { laneOf } from '../../domain/work/priority.ts'
import { type Progress, readProgress } from '../../lib/progress.ts'
import { shownId } from './job-id.ts'

/** A job as people see it. */
export type JobView = {
  /** `<kind>.<rest>`; no colon. */
  id: string
  kind: JobKind
  namespace: string
  name: string
  reason: string
  state: 'waiting' | 'active' | 'delayed' | 'completed' | 'failed'
  lane: string
  /** Times it was started. */
  attempts: number
  requestedAt: string
  startedAt?: string
  finishedAt?: string
  /** When a delayed job runs next. */
  nextRunAt?: string
  /** Why a delayed job asked to run again. */
  waitsFor?: string
  /** Reason word and sentence of the last failure. */
  failure?: string
  /** Summary of the last finished run. */
  result?: string
  /** Id of the process that runs it, or ran it last. */
  worker?: string
  /** How far a job that runs has come. */
  progress?: Progress
}

/** Separates the identity of a worker from what makes it unique per life of the process. */
export const workerMark = '~'

/** BullMQ's words for a job whose process died under it too often. */
const diedTooOften = 'job stalled more than allowable limit'

function time(ms: number | undefined): string | undefined {
  return ms ? new Date(ms).toISOString() : undefined
}

/** What the job says of itself; a forged one shows as unnamed. */
export function payloadOf(job: Job, kind: JobKind): JobPayload {
  const read = readPayload(job.data)
  const madeAt = new Date(job.timestamp).toISOString()
  if ('problem' in read) return { kind, namespace: '', name: '?', reason: '', requestedAt: madeAt }
  // the data of a scheduler's job is as old as the scheduler
  return job.repeatJobKey ? { ...read.payload, requestedAt: madeAt } : read.payload
}

function failureOf(job: Job): string | undefined {
  if (job.failedReason !== diedTooOften) return job.failedReason
  return 'InternalError: The process died several times while this job ran; it is not tried again until it is asked for.'
}

/** The view of a job of BullMQ that is in `state`; `dueMs` is when a delayed one runs next (Unix milliseconds). */
export function viewOf(job: Job, kind: JobKind, state: JobView['state'], dueMs?: number): JobView {
  const ended = state === 'completed' || state === 'failed'
  const optional = {
    startedAt: time(job.processedOn),
    finishedAt: ended ? time(job.finishedOn) : undefined,
    nextRunAt: state === 'delayed' ? time(dueMs) : undefined,
    waitsFor: state === 'delayed' && typeof job.progress === 'string' ? job.progress : undefined,
    failure: state === 'completed' ? undefined : failureOf(job),
    result: typeof job.returnvalue === 'string' ? job.returnvalue : undefined,
    progress: state === 'active' ? readProgress(job.progress) : undefined,
    worker: job.processedBy?.split(workerMark)[0],
  }
  const known = Object.entries(optional).filter(([, value]) => value !== undefined)
  const base = { id: shownId(kind, job.id ?? ''), ...payloadOf(job, kind), kind, state }
  return { ...base, lane: laneOf(job.priority), attempts: job.attemptsStarted, ...Object.fromEntries(known) }
}
