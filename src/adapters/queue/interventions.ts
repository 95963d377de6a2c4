import { Redis } from 'ioredis'
import type { Logger } from '../../lib/logger.ts'
import { type Connection, lasting } from './connection.ts'
import { findQueue } from './job-id.ts'
import { Stopped } from './outcome.ts'
import type { Producer } from './producer.ts'
import type { Queues } from './queues.ts'
import type { Runs } from './runs.ts'
import { keyPrefix, type RunScript } from './scripts.ts'
import { payloadOf } from './view.ts'

const longestWho = 100
/** Nothing is heard while nobody cancels: a question now and then shows that the line is still open. */
const askMs = 10_000

type Parts = {
  redisUrl: string
  prefix: string
  connection: Connection
  queues: Queues
  script: RunScript
  producer: Producer
  runs: Runs
  log: Logger
}

type Interventions = {
  /** Hears what others cancel; only a process that runs jobs needs to. */
  listen: () => void
  cancel: (jobId: string, who: string) => Promise<boolean>
  promote: (jobId: string) => Promise<boolean>
  retry: (jobId: string) => Promise<boolean>
  close: () => void
}

/** What people do to single jobs: cancel, retry, promote. Cancelling reaches the process that runs the job. */
export function createInterventions(parts: Parts): Interventions {
  const { redisUrl, prefix, connection, queues, script, producer, runs, log } = parts
  const channel = `${prefix}:cancel`
  let listener: Redis | undefined
  let timer: NodeJS.Timeout | undefined

  function hear(message: string): void {
    try {
      const { jobId, who } = JSON.parse(message) as { jobId?: unknown; who?: unknown }
      if (typeof jobId !== 'string' || typeof who !== 'string') return
      if (runs.stop(jobId, new Stopped('cancelled', `cancelled by ${who.slice(0, longestWho)}`))) {
        log.info({ jobId, who }, 'job cancelled')
      }
    } catch {
      log.debug({}, 'a message that is no cancel was ignored')
    }
  }

  /** Removes a job that has not begun; false when there is none (any more). */
  async function removeWaiting(kind: keyof Queues, id: string): Promise<boolean> {
    const job = await queues[kind].getJob(id)
    if (!job) {
      const dedupe = await connection.client.get(`${keyPrefix(prefix, kind)}alias:${id}`)
      return dedupe !== null && (await script('dropNext', { kind, dedupe }, [id])) !== 0
    }
    if (!(await isWaiting(kind, id))) return false
    // refuses by an error when a worker took the job in between
    return job.remove().then(
      () => true,
      () => false,
    )
  }

  async function isWaiting(kind: keyof Queues, id: string): Promise<boolean> {
    const state = await queues[kind].getJobState(id)
    return state === 'waiting' || state === 'prioritized' || state === 'delayed'
  }

  async function raise(kind: keyof Queues, id: string): Promise<boolean> {
    const job = await queues[kind].getJob(id)
    if (!job) return false
    const priority = await producer.nextPriority(kind, 'person', payloadOf(job, kind).namespace)
    return (await script('raise', { kind, dedupe: job.deduplicationId ?? '' }, [id, priority])) === 1
  }

  return {
    listen(): void {
      if (listener) return
      listener = new Redis(redisUrl, { ...lasting, maxRetriesPerRequest: null, socketTimeout: askMs })
      listener.on('error', (error: Error) => log.debug({ error: error.message }, 'cancel connection error'))
      listener.on('message', (_channel, message) => hear(message))
      listener.subscribe(channel).catch(() => {})
      timer = setInterval(() => void listener?.ping().catch(() => {}), askMs).unref()
    },
    async cancel(jobId: string, who: string): Promise<boolean> {
      const found = findQueue(jobId)
      if (!found) return false
      return connection.call(async () => {
        if (await removeWaiting(found.kind, found.id)) return true
        if ((await queues[found.kind].getJobState(found.id)) !== 'active') return false
        const heard = await connection.client.publish(channel, JSON.stringify({ jobId, who: who.slice(0, longestWho) }))
        return heard > 0
      })
    },
    async promote(jobId: string): Promise<boolean> {
      const found = findQueue(jobId)
      return found ? connection.call(() => raise(found.kind, found.id)) : false
    },
    async retry(jobId: string): Promise<boolean> {
      const found = findQueue(jobId)
      if (!found) return false
      const job = await connection.call(() => queues[found.kind].getJob(found.id))
      if (!job) return false
      if (await connection.call(() => raise(found.kind, found.id))) return true
      const state = await connection.call(() => queues[found.kind].getJobState(found.id))
      if (state !== 'failed' && state !== 'completed') return false
      // a new job: the old one has lost its deduplication, so two of the same object could run
      const { namespace, name } = payloadOf(job, found.kind)
      await producer.enqueue({ kind: found.kind, namespace, name, reason: `retry of ${jobId}`, lane: 'person' })
      return true
    },
    close(): void {
      clearInterval(timer)
      listener?.disconnect()
    },
  }
}
