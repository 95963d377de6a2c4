import type { FastifyPluginAsync } from 'fastify'
import type { JobKind, JobPayload, WorkRequest } from '../../domain/work/job.ts'
import type { Logger } from '../../lib/logger.ts'
import { type Board, createBoard } from './board.ts'
import { createConnection } from './connection.ts'
import { createConsumer } from './consumer.ts'
import { createInterventions } from './interventions.ts'
import { createJobIds } from './job-id.ts'
import { createLaneReader, type LaneDepths } from './lane-reader.ts'
import { createLiveness } from './liveness.ts'
import { createNotes, type JobLog, type JobTeller, type RunAround } from './notes.ts'
import { createPauses } from './pauses.ts'
import { createProducer } from './producer.ts'
import { createQueues } from './queues.ts'
import { createReader, type QueueCounts } from './reader.ts'
import { createRunJob, type Processor } from './run-job.ts'
import { createRuns } from './runs.ts'
import { createScheduler } from './schedule.ts'
import { createScripts, keyPrefix } from './scripts.ts'
import { createTeller } from './tell-bullmq.ts'
import { type JobView, workerMark } from './view.ts'

export type { JobLog, JobTeller, JobView, LaneDepths, Processor, QueueCounts, RunAround }

/** BullMQ behind one door. All calls that need Redis throw AppError RedisUnavailable within a second when it is gone. */
export type Queue = {
  /**
   * Puts work into the queue or joins it to the job of the same object that waits: that job then has the more urgent
   * lane, the oldest time and the most urgent reason, and is not delayed any longer when a person, a webhook or a change
   * asks (W2). While the object's job runs, one later run answers all requests.
   */
  enqueue: (request: WorkRequest) => Promise<{ jobId: string }>
  /** Start taking jobs of these kinds; `slots` are asynchronous slots per kind. Does not wait for Redis. */
  work: (processors: Partial<Record<JobKind, { run: Processor; slots: number }>>) => Promise<void>
  /**
   * Periodic `resync`-kind jobs, upserted; schedules that are not named are removed. Call again every minute to get back
   * what a lost Redis forgot. Gives the ids that were missing. Also deletes stray deduplication keys (hazard B10).
   */
  schedule: (
    entries: readonly { id: string; everyMs: number; payload: Omit<JobPayload, 'requestedAt'> }[],
  ) => Promise<string[]>
  /** What runs, then what comes next, then what ended (newest first). */
  list: (filter: {
    kinds?: readonly JobKind[]
    states?: readonly JobView['state'][]
    limit: number
  }) => Promise<JobView[]>
  get: (jobId: string) => Promise<JobView | undefined>
  /** The job of one object that waits, runs or is tried again; undefined when there is none. */
  of: (work: { kind: JobKind; namespace: string; name: string }) => Promise<JobView | undefined>
  counts: () => Promise<QueueCounts>
  /** The same of one kind. */
  countsOf: (kind: JobKind) => Promise<QueueCounts[JobKind]>
  /** How long the job at the head of each queue has waited; 0 where none waits. Cheap: for metrics. */
  oldestWaitMs: () => Promise<Record<JobKind, number>>
  /** How deep the lanes are, of all kinds together. Cheap: for metrics. */
  lanes: () => Promise<LaneDepths>
  /** A waiting or backed-off job runs next; an ended one is asked for again as a new job, in the lane of a person. */
  retry: (jobId: string) => Promise<boolean>
  /** Removes a waiting job, or aborts a running one on whatever process holds it; that one fails as `cancelled by WHO`. */
  cancel: (jobId: string, who: string) => Promise<boolean>
  /** A waiting or delayed job runs next. */
  promote: (jobId: string) => Promise<boolean>
  /** What was written while a job ran, from a line on; undefined for a job that there is not. */
  log: (jobId: string, range: { from: number; limit: number }) => Promise<JobLog | undefined>
  /** No process takes jobs of this kind any more; what runs goes on. False: it was so already. */
  pause: (kind: JobKind) => Promise<boolean>
  /** Jobs of this kind are taken again. False: they were. */
  resume: (kind: JobKind) => Promise<boolean>
  paused: () => Promise<JobKind[]>
  /** True when Redis answered within the last seconds. */
  isUp: () => boolean
  /** Plain sentences about a Redis that is not set up as it should be (W5). */
  warnings: () => string[]
  /** Takes no more jobs, gives running ones `graceMs`, aborts what is left (it goes back into the line). The rest goes on. */
  stopWork: (graceMs: number) => Promise<void>
  /** The same where that was not done yet; then nothing goes on. */
  close: (graceMs: number) => Promise<void>
}

export type QueueOptions = {
  redisUrl: string
  /** In braces, so that all keys lie on one shard (hazard B6). Default `{capstan}`. */
  prefix?: string
  /** Names this process to people, e.g. its pod. */
  worker: string
  log: Logger
  /** Takes secrets out of what is stored in Redis. */
  redact?: (text: string) => string
  /** Lets the log lines of a run find their job. */
  around?: RunAround
  /**
   * A process that has not said for this long that it lives is dead and its jobs are taken over. Default 15 s, which is
   * longer than a fence stays open (10 s, W4).
   */
  deadAfterMs?: number
  /** A call that Redis has not answered by then is given up. Default 0.9 s. */
  answerMs?: number
  random?: () => number
  now?: () => number
}

const defaultPrefix = '{capstan}'
const boards = new WeakMap<Queue, Board>()

/** Connects in the background and returns at once, also while Redis is away. */
export function createQueue(options: QueueOptions): Queue {
  const { redisUrl, prefix = defaultPrefix, log, redact = (text) => text } = options
  const { around = async (_teller, work) => await work() } = options
  const { random = Math.random, now = Date.now, deadAfterMs = 15_000 } = options
  const workerName = `${options.worker}${workerMark}${random().toString(36).slice(2, 10)}`

  const connection = createConnection({ redisUrl, log, answerMs: options.answerMs })
  const { client } = connection
  const queues = createQueues(client, prefix, log)
  const script = createScripts(client, prefix, now)
  const producer = createProducer({ connection, queues, script, prefix, jobIds: createJobIds(now, random), now })
  const runs = createRuns(async (kind, id) => {
    const exists = connection.call(() => client.exists(keyPrefix(prefix, kind) + id))
    return (await exists.catch(() => 1)) > 0
  })
  const { tell, settle } = createTeller({ script, nextPriority: producer.nextPriority, log })
  const notes = createNotes({ connection, queues, script, redact, now })
  const runJob = createRunJob({ runs, tell, notesOf: notes.of, around, redact, now, log })
  const consumer = createConsumer({ redisUrl, prefix, workerName, connection, runs, runJob, settle, random, log })
  const { kinds, findStalled } = consumer
  const liveness = createLiveness({
    connection,
    prefix,
    workerName,
    script,
    kinds,
    findStalled,
    isRunning: runs.has,
    deadAfterMs,
  })
  const people = createInterventions({ redisUrl, prefix, connection, queues, script, producer, runs, log })
  const scheduler = createScheduler({ connection, queues, script, producer, prefix, now, log })
  const reader = createReader({ connection, queues, prefix, now })

  let stopped: Promise<void> | undefined
  const stopWork = (graceMs: number): Promise<void> => (stopped ??= consumer.close(graceMs))

  const queue: Queue = {
    ...reader,
    lanes: createLaneReader({ connection, prefix, now }),
    ...createPauses({ connection, queues, log }),
    log: notes.read,
    enqueue: producer.enqueue,
    async work(processors) {
      consumer.start(processors)
      people.listen()
      liveness.start()
    },
    async schedule(entries) {
      const missing = await scheduler.schedule(entries)
      scheduler.heal().catch((error: Error) => log.debug({ error: error.message }, 'could not heal the queues'))
      return missing
    },
    retry: people.retry,
    cancel: people.cancel,
    promote: people.promote,
    isUp: connection.isUp,
    warnings: connection.warnings,
    stopWork,
    async close(graceMs) {
      await stopWork(graceMs)
      await liveness.stop()
      people.close()
      await Promise.allSettled(Object.values(queues).map((each) => each.close()))
      connection.close()
    },
  }
  boards.set(queue, createBoard(queues, connection.isUp))
  return queue
}

/** The page that shows the queues and changes nothing (W39). Register it with `{ prefix: '/queues' }`. */
export function createQueueBoard(queue: Queue, options: { uiPath?: string } = {}): FastifyPluginAsync {
  const board = boards.get(queue)
  if (!board) throw new Error('createQueueBoard needs a queue made by createQueue')
  return board(options)
}
