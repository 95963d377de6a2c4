import { Queue as BullQueue, type JobsOptions } from 'bullmq'
import type { Redis } from 'ioredis'
import { type JobKind, jobKinds } from '../../domain/work/job.ts'
import type { Logger } from '../../lib/logger.ts'

export type Queues = Record<JobKind, BullQueue>

/** BullMQ wants a limit on tries; ours go on until they succeed or somebody changes the input. */
const endless = 1_000_000_000
/** BullMQ's own stream of events, which nothing here reads. */
const mostEvents = 1000

/**
 * What every job has in common: history is bounded by age (seconds) and count, no stack traces in Redis. `type:
 * 'capstan'` names the back-off strategy of the worker.
 */
export const jobOptions = {
  attempts: endless,
  backoff: { type: 'capstan' },
  removeOnComplete: { age: 24 * 3600, count: 1000 },
  removeOnFail: { age: 7 * 24 * 3600, count: 5000 },
  stackTraceLimit: 0,
} satisfies JobsOptions

/** One BullMQ queue per kind over one shared connection; usable as soon as Redis is there. */
export function createQueues(client: Redis, prefix: string, log: Logger): Queues {
  const make = (kind: JobKind): BullQueue => {
    // the version check would be one more command that can fail once and then for ever
    const queue = new BullQueue(kind, {
      connection: client,
      prefix,
      skipVersionCheck: true,
      streams: { events: { maxLen: mostEvents } },
    })
    queue.on('error', (error) => log.debug({ kind, error: error.message }, 'queue connection error'))
    return queue
  }
  return Object.fromEntries(jobKinds.map((kind) => [kind, make(kind)])) as Queues
}
