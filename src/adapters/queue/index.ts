import type { JobKind, JobPayload, Outcome, WorkRequest } from '../../domain/work/job.ts'

/** A job as people see it. */
export type JobView = {
  id: string
  kind: JobKind
  namespace: string
  name: string
  reason: string
  state: 'waiting' | 'active' | 'delayed' | 'completed' | 'failed'
  lane: string
  attempts: number
  requestedAt: string
  startedAt?: string
  finishedAt?: string
  /** When a delayed job runs next. */
  nextRunAt?: string
  /** Reason word and sentence of the last failure. */
  failure?: string
  /** Summary of the last finished run. */
  result?: string
  /** Id of the process that runs it. */
  worker?: string
}

export type QueueCounts = Record<JobKind, Record<JobView['state'], number>>

/** Runs one job. Throws AppError on failure; must stop soon after `signal` aborts. */
export type Processor = (payload: JobPayload, context: { jobId: string; signal: AbortSignal }) => Promise<Outcome>

/** BullMQ behind one door. All calls that need Redis throw AppError RedisUnavailable within a second when it is gone. */
export type Queue = {
  enqueue(request: WorkRequest): Promise<{ jobId: string }>
  /** Start taking jobs of these kinds; `slots` are asynchronous slots per kind. */
  work(processors: Partial<Record<JobKind, { run: Processor; slots: number }>>): Promise<void>
  /** Periodic `resync`-kind jobs, upserted; call again at any time to get back what a lost Redis forgot. Gives the ids that were missing. */
  schedule(
    entries: readonly { id: string; everyMs: number; payload: Omit<JobPayload, 'requestedAt'> }[],
  ): Promise<string[]>
  list(filter: { kinds?: readonly JobKind[]; states?: readonly JobView['state'][]; limit: number }): Promise<JobView[]>
  get(jobId: string): Promise<JobView | undefined>
  counts(): Promise<QueueCounts>
  retry(jobId: string): Promise<boolean>
  /** Removes a waiting job, or aborts a running one on whatever process holds it. */
  cancel(jobId: string, who: string): Promise<boolean>
  promote(jobId: string): Promise<boolean>
  /** True when Redis answered within the last seconds. */
  isUp(): boolean
  /** Stops taking jobs, gives running ones `graceMs`, aborts what is left, closes. */
  close(graceMs: number): Promise<void>
}
