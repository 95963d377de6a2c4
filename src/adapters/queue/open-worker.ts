import { type Job, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import type { JobKind } from '../../domain/work/job.ts'
import type { Logger } from '../../lib/logger.ts'
import { lasting } from './connection.ts'
import type { Processor, RunJob } from './run-job.ts'
import type { Runs } from './runs.ts'
import { backoffOf } from './tell-bullmq.ts'

/** Long, because a busy event loop must not lose a job; a dead process is noticed sooner (see liveness.ts). */
export const lockMs = 60_000
const renewMs = 10_000
/** A command that is not answered by then makes a new connection: the old one is open on our side only (hazard B4). */
const silenceMs = 10_000
const stalledCheckMs = 15_000
/** A job whose process died this often while it ran fails at the next time (hazard B12). */
const mostDeaths = 3

export type WorkerParts = {
  redisUrl: string
  prefix: string
  /** Unique per life of the process. */
  workerName: string
  runs: Runs
  runJob: RunJob
  settle: (job: Job, kind: JobKind) => Promise<void>
  random: () => number
  log: Logger
}

/** A BullMQ worker and its two connections, which wait for Redis as long as it takes. */
export type OpenWorker = {
  readonly worker: Worker
  /** Stops taking jobs at once; resolves when the last one has ended and its end is told. */
  close: () => Promise<void>
  /** Cuts the connections, whatever state they are in. Afterwards nothing of the worker is left. */
  cut: () => void
}

/**
 * Connections made here and not by BullMQ: while Redis is away BullMQ cannot end its own, and they would try to connect
 * for ever.
 */
function createClients(redisUrl: string): { main: Redis; cut: () => void } {
  const clients: Redis[] = []
  const track = (client: Redis): Redis => {
    client.on('error', () => {})
    clients.push(client)
    const duplicate = client.duplicate.bind(client)
    // the copy waits for jobs in blocking commands, which BullMQ itself watches
    client.duplicate = (options) => track(duplicate({ ...options, socketTimeout: undefined }))
    return client
  }
  const main = track(new Redis(redisUrl, { ...lasting, maxRetriesPerRequest: null, socketTimeout: silenceMs }))
  return {
    main,
    cut() {
      for (const client of clients) client.disconnect()
    },
  }
}

/** Opens a worker of one kind. */
export function openWorker(parts: WorkerParts, kind: JobKind, processor: Processor, slots: number): OpenWorker {
  const { redisUrl, prefix, workerName, runs, runJob, settle, random, log } = parts
  const { main, cut } = createClients(redisUrl)
  const worker = new Worker(kind, (job, token) => runJob(kind, processor, job, token ?? ''), {
    connection: main,
    prefix,
    name: workerName,
    concurrency: slots,
    lockDuration: lockMs,
    lockRenewTime: renewMs,
    stalledInterval: stalledCheckMs,
    maxStalledCount: mostDeaths,
    runRetryDelay: 1000,
    settings: { backoffStrategy: (failures, _type, error) => backoffOf(failures, error, random) },
  })
  worker.on('error', (error) => log.debug({ kind, error: error.message }, 'worker connection error'))
  worker.on('lockRenewalFailed', (ids) => runs.lost(kind, ids))
  worker.on('locksRenewed', ({ jobIds }) => runs.renewed(kind, jobIds))
  worker.on('failed', (job) => void (job && settle(job, kind)))
  worker.on('stalled', (jobId) => log.warn({ kind, jobId }, 'the process that ran a job died; it runs again'))
  return { worker, cut, close: () => worker.close() }
}
