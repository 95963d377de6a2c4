import { jobKinds, type JobKind, type JobPayload, type Lane, lanes } from '../../domain/work/job.ts'
import { makePayload, readPayload } from '../../domain/work/payload.ts'
import { laneOf, laneRange, placeOf, priorityOf } from '../../domain/work/priority.ts'
import { AppError } from '../../domain/error.ts'
import type { Logger } from '../../lib/logger.ts'
import type { Connection } from './connection.ts'
import type { Producer } from './producer.ts'
import { jobOptions, type Queues } from './queues.ts'
import { keyPrefix, type RunScript } from './scripts.ts'

/** One periodic job. `payload.kind` is `resync`: a scheduler's jobs are not deduplicated, so they only ask for others. */
type ScheduleEntry = { id: string; everyMs: number; payload: Omit<JobPayload, 'requestedAt'> }

const scoreStep = 2 ** 32
/** A lane that never ran empty moves down before it runs out of places. */
const highPlace = 50_000
const scanCount = 1000
/** A clock that is set back by less changes nothing that anybody sees. */
const stepMs = 1000

type Parts = {
  connection: Connection
  queues: Queues
  script: RunScript
  producer: Producer
  prefix: string
  now: () => number
  log: Logger
}

/** Tells whether the clock was set back since the last look; at the first look nobody knows, so it may be (hazard F3). */
function createLook(now: () => number): () => boolean {
  let clock: number | undefined
  return () => {
    const before = clock
    clock = now() - performance.now()
    return before === undefined || clock < before - stepMs
  }
}

/** Periodic jobs, and what must be looked after now and then. */
export function createScheduler({ connection, queues, script, producer, prefix, now, log }: Parts) {
  const { client } = connection
  const queue = queues.resync
  const mayBeBack = createLook(now)
  let isBack = false

  /** What waits for a time that was near before the clock went back waits no longer than it had to in all. */
  async function rewind(): Promise<void> {
    let moved = 0
    for (const kind of jobKinds) {
      if (kind !== 'resync') moved += Number(await script('rewind', { kind, dedupe: '' }, []))
    }
    if (moved > 0)
      log.info({ moved }, 'the clock went back; jobs that would have waited for it wait as long as they had to')
  }

  async function upsert(entry: ScheduleEntry): Promise<boolean> {
    const made = makePayload(entry.payload, new Date(now()).toISOString())
    if ('problem' in made || made.payload.kind !== 'resync' || !/^[\w.-]{1,100}$/.test(entry.id)) {
      throw new AppError('InternalError', 'A schedule was refused: only resync jobs are periodic.', { retry: 'never' })
    }
    const known = await queue.getJobScheduler(entry.id)
    const nextMs = known?.next ?? 0
    const isFar = isBack && nextMs - now() > entry.everyMs + stepMs
    // an upsert alone keeps the old time where the interval is the same
    if (isFar) await queue.removeJobScheduler(entry.id)
    const isAlive = nextMs > 0 && !isFar && (await queue.getJobState(`repeat:${entry.id}:${nextMs}`)) !== 'unknown'
    if (isAlive && known?.every === entry.everyMs) return true
    const opts = { ...jobOptions, priority: priorityOf('periodic', 1) }
    await queue.upsertJobScheduler(entry.id, { every: entry.everyMs }, { name: 'resync', data: made.payload, opts })
    return known !== undefined
  }

  async function scan(pattern: string): Promise<string[]> {
    const found: string[] = []
    let cursor = '0'
    do {
      const [next, keys] = await client.scan(cursor, 'MATCH', pattern, 'COUNT', scanCount)
      found.push(...keys)
      cursor = next
    } while (cursor !== '0')
    return found
  }

  async function mendKey(kind: JobKind, dedupe: string): Promise<number> {
    const [removed, data, priority] = (await script('mend', { kind, dedupe }, [])) as [string, string?, string?]
    const read = readPayload(data === undefined ? undefined : JSON.parse(data))
    if ('payload' in read) await producer.enqueue({ ...read.payload, lane: laneOf(Number(priority)) })
    return Number(removed)
  }

  async function lowerLane(kind: JobKind, lane: Lane): Promise<void> {
    const { from, to } = laneRange(lane)
    const [low, high] = [from * scoreStep, (to + 1) * scoreStep - 1]
    const key = `${keyPrefix(prefix, kind)}prioritized`
    const [, score] = await client.zrangebyscore(key, low, high, 'WITHSCORES', 'LIMIT', 0, 1)
    const head = score === undefined ? 0 : placeOf(Math.floor(Number(score) / scoreStep))
    if (head > highPlace) await script('lower', { kind, dedupe: '' }, [low, high, head - 1])
  }

  /** Deduplication keys without a job are deleted (hazard B10); gives how many. */
  async function heal(): Promise<number> {
    let removed = 0
    for (const kind of jobKinds) {
      const base = keyPrefix(prefix, kind)
      const keys = await scan(`${globSafe(base)}d[en]:*`)
      const ids = new Set(keys.map((key) => key.slice(base.length + 'de:'.length)))
      for (const dedupe of ids) removed += await mendKey(kind, dedupe)
      for (const lane of Object.keys(lanes) as Lane[]) await lowerLane(kind, lane)
    }
    if (removed > 0) log.warn({ removed }, 'deduplication keys without a job were deleted')
    return removed
  }

  return {
    heal,
    /** Brings the schedulers in line with `entries`; gives the ids that were missing. */
    schedule: (entries: readonly ScheduleEntry[]): Promise<string[]> =>
      connection.call(async () => {
        const missing: string[] = []
        // kept until all of it is answered: Redis may fail in the middle
        isBack = mayBeBack() || isBack
        for (const entry of entries) if (!(await upsert(entry))) missing.push(entry.id)
        if (isBack) await rewind()
        isBack = false
        const wanted = new Set(entries.map((entry) => entry.id))
        for (const { key } of await queue.getJobSchedulers()) if (!wanted.has(key)) await queue.removeJobScheduler(key)
        return missing
      }),
  }
}

function globSafe(text: string): string {
  return text.replaceAll(/[\\*?[\]]/g, '\\$&')
}
