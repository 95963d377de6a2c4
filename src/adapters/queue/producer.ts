import { dedupeKey } from '../../domain/work/dedupe-key.ts'
import { AppError } from '../../domain/error.ts'
import { type JobKind, type JobPayload, type Lane, lanes, type WorkRequest } from '../../domain/work/job.ts'
import { makePayload } from '../../domain/work/payload.ts'
import { laneRange, placeOf, priorityOf, shortensBackoff, stoppedClock, takePlace } from '../../domain/work/priority.ts'
import type { Connection } from './connection.ts'
import { keyPrefix, type RunScript } from './scripts.ts'
import { jobOptions, type Queues } from './queues.ts'

/** BullMQ scores a waiting job by priority × 2^32 + a counter. */
const scoreStep = 2 ** 32
/** Each try lost means that the job ended or began in between; more than a few in a row is a bug. */
const tries = 20

export type Producer = {
  enqueue: (request: WorkRequest) => Promise<{ jobId: string }>
  /** The priority for the next place of a namespace in a lane. */
  nextPriority: (kind: JobKind, lane: Lane, namespace: string) => Promise<number>
}

type Parts = {
  connection: Connection
  queues: Queues
  script: RunScript
  prefix: string
  jobIds: (kind: JobKind) => string
  now: () => number
}

/** Puts work into the queues; W2 (one job per object, the most urgent request decides) and W3 (fair per namespace). */
export function createProducer({ connection, queues, script, prefix, jobIds, now }: Parts): Producer {
  const clocks = new Map<string, { clock: typeof stoppedClock; adding: number }>()

  function lineOf(kind: JobKind, lane: Lane): { clock: typeof stoppedClock; adding: number } {
    const key = `${kind} ${lane}`
    const line = clocks.get(key) ?? { clock: stoppedClock, adding: 0 }
    clocks.set(key, line)
    return line
  }

  async function headOf(kind: JobKind, lane: Lane): Promise<number | undefined> {
    const { from, to } = laneRange(lane)
    const low = from * scoreStep
    const high = (to + 1) * scoreStep - 1
    const key = `${keyPrefix(prefix, kind)}prioritized`
    const [, score] = await connection.client.zrangebyscore(key, low, high, 'WITHSCORES', 'LIMIT', 0, 1)
    return score === undefined ? undefined : placeOf(Math.floor(Number(score) / scoreStep))
  }

  async function nextPriority(kind: JobKind, lane: Lane, namespace: string): Promise<number> {
    const head = await headOf(kind, lane)
    const line = lineOf(kind, lane)
    // jobs on their way into the lane are not in it yet: it is not empty
    const { place, clock } = takePlace(line.clock, namespace, head ?? (line.adding > 1 ? line.clock.head : undefined))
    line.clock = clock
    return priorityOf(lane, place)
  }

  async function add(request: WorkRequest, payload: JobPayload, priority: number): Promise<string> {
    const { kind, lane } = request
    const dedupe = dedupeKey(request)
    const delay = lane === 'person' ? 0 : Math.max(request.delayMs ?? 0, 0)
    const urgent = shortensBackoff(lane) ? 1 : 0
    const joinsRun = request.joinsRun ? 1 : 0
    const data = JSON.stringify(payload)
    for (let attempt = 0; attempt < tries; attempt++) {
      const jobId = jobIds(kind)
      const added = await queues[kind].add(kind, payload, {
        ...jobOptions,
        jobId,
        priority,
        delay,
        timestamp: now(),
        deduplication: { id: dedupe },
      })
      if (added.id === jobId) return jobId
      const next = JSON.stringify({ ...jobOptions, jobId, priority, delay, de: { id: dedupe } })
      const args = [priority, data, now() + delay, urgent, jobId, next, kind, dedupe, joinsRun]
      const [answer, joined] = (await script('join', { kind, dedupe }, args)) as [string, string]
      if (answer !== 'none') return joined
    }
    throw new AppError('InternalError', `The request for ${kind} could not be put into the queue.`)
  }

  return {
    nextPriority,
    enqueue(request) {
      const made = makePayload(
        { kind: request.kind, namespace: request.namespace, name: request.name, reason: request.reason },
        new Date(now()).toISOString(),
      )
      if ('problem' in made || !Object.hasOwn(lanes, request.lane)) {
        const why = 'problem' in made ? made.problem : 'its lane is unknown'
        return Promise.reject(
          new AppError('InternalError', `A request for work was refused: ${why}.`, { retry: 'never' }),
        )
      }
      return connection.call(async () => {
        const line = lineOf(request.kind, request.lane)
        line.adding++
        try {
          const priority = await nextPriority(request.kind, request.lane, request.namespace)
          return { jobId: await add(request, made.payload, priority) }
        } finally {
          line.adding--
        }
      })
    },
  }
}
