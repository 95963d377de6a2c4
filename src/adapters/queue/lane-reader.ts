import { type JobKind, jobKinds, type Lane, lanes } from '../../domain/work/job.ts'
import { laneOf, laneRange } from '../../domain/work/priority.ts'
import type { Connection } from './connection.ts'
import { keyPrefix } from './scripts.ts'

/** Jobs of one lane, of all kinds: how many wait and run, and how long the one in front has waited (milliseconds; 0 where none does). */
export type LaneDepth = { waiting: number; active: number; oldestWaitMs: number }
export type LaneDepths = Record<Lane, LaneDepth>

/** What runs or was put back by a dead process is read one by one, up to so many of a kind. */
const mostRead = 200
const scoreStep = 2 ** 32

/** Reads how deep the lanes are; costs the same with ten jobs as with ten thousand. */
export function createLaneReader(parts: {
  connection: Connection
  prefix: string
  now: () => number
}): () => Promise<LaneDepths> {
  const { connection, prefix, now } = parts
  const { client } = connection

  /** How long jobs wait that never began. */
  async function waitsOf(kind: JobKind, ids: readonly string[]): Promise<number> {
    const base = keyPrefix(prefix, kind)
    const jobs = await Promise.all(ids.map((id) => client.hmget(base + id, 'timestamp', 'ats')))
    const made = jobs.filter(([, started]) => !started || started === '0').map(([timestamp]) => Number(timestamp))
    return Math.max(0, ...made.filter((at) => at > 0).map((at) => now() - at))
  }

  async function lineOf(kind: JobKind, lane: Lane): Promise<LaneDepth> {
    const key = `${keyPrefix(prefix, kind)}prioritized`
    const { from, to } = laneRange(lane)
    const [low, high] = [from * scoreStep, (to + 1) * scoreStep - 1]
    const [waiting, head] = await Promise.all([
      client.zcount(key, low, high),
      client.zrangebyscore(key, low, high, 'LIMIT', 0, 1),
    ])
    return { waiting, active: 0, oldestWaitMs: await waitsOf(kind, head) }
  }

  /** BullMQ keeps what runs, and what a stall put back in front, apart from the lanes: these jobs know their own. */
  async function besides(kind: JobKind): Promise<{ lane: Lane; depth: LaneDepth }[]> {
    const base = keyPrefix(prefix, kind)
    const read = async (state: 'active' | 'wait') =>
      (await client.lrange(`${base}${state}`, 0, mostRead - 1)).map((id) => ({ id, state }))
    const ids = (await Promise.all([read('active'), read('wait')])).flat()
    return await Promise.all(
      ids.map(async ({ id, state }) => {
        const lane = laneOf(Number((await client.hget(base + id, 'priority')) ?? 0))
        const oldestWaitMs = state === 'wait' ? await waitsOf(kind, [id]) : 0
        return { lane, depth: { waiting: state === 'wait' ? 1 : 0, active: state === 'active' ? 1 : 0, oldestWaitMs } }
      }),
    )
  }

  return () =>
    connection.call(async () => {
      const names = Object.keys(lanes) as Lane[]
      const lines = jobKinds.flatMap((kind) => names.map(async (lane) => ({ lane, depth: await lineOf(kind, lane) })))
      const found = [...(await Promise.all(lines)), ...(await Promise.all(jobKinds.map(besides))).flat()]
      return Object.fromEntries(
        names.map((name) => [name, sum(found.filter(({ lane }) => lane === name))]),
      ) as LaneDepths
    })
}

function sum(found: readonly { depth: LaneDepth }[]): LaneDepth {
  return {
    waiting: found.reduce((all, { depth }) => all + depth.waiting, 0),
    active: found.reduce((all, { depth }) => all + depth.active, 0),
    oldestWaitMs: Math.max(0, ...found.map(({ depth }) => depth.oldestWaitMs)),
  }
}
