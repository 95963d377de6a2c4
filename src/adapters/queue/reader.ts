import type { Job, JobType } from 'bullmq'
import { dedupeKey } from '../../domain/work/dedupe-key.ts'
import { type JobKind, jobKinds, type Lane, lanes } from '../../domain/work/job.ts'
import { readPayload } from '../../domain/work/payload.ts'
import { laneOf, laneRange } from '../../domain/work/priority.ts'
import { never } from '../../lib/never.ts'
import type { Connection } from './connection.ts'
import { findQueue, shownId } from './job-id.ts'
import type { Queues } from './queues.ts'
import { keyPrefix } from './scripts.ts'
import { type JobView, viewOf } from './view.ts'

/** Jobs per kind and state. */
export type QueueCounts = Record<JobKind, Record<JobView['state'], number>>

type ListFilter = { kinds?: readonly JobKind[]; states?: readonly JobView['state'][]; limit: number }

type Reader = {
  list: (filter: ListFilter) => Promise<JobView[]>
  get: (jobId: string) => Promise<JobView | undefined>
  of: (work: { kind: JobKind; namespace: string; name: string }) => Promise<JobView | undefined>
  counts: () => Promise<QueueCounts>
  countsOf: (kind: JobKind) => Promise<QueueCounts[JobKind]>
  oldestWaitMs: () => Promise<Record<JobKind, number>>
}

/** In the order of a list: what runs, what comes next, what ended. */
const states = ['active', 'waiting', 'delayed', 'failed', 'completed'] as const
const dueStep = 0x1000

function typesOf(state: JobView['state']): JobType[] {
  return state === 'waiting' ? ['wait', 'prioritized'] : [state]
}

function stateOf(bullState: string): JobView['state'] | undefined {
  if (bullState === 'wait' || bullState === 'prioritized') return 'waiting'
  return states.find((state) => state === bullState)
}

/** What a list of one state is sorted by, first come first. */
function orderOf(view: JobView): string {
  switch (view.state) {
    case 'active':
      return view.startedAt ?? ''
    case 'waiting':
      return `${lanes[view.lane as Lane] ?? 9} ${view.requestedAt}`
    case 'delayed':
      return view.nextRunAt ?? ''
    case 'completed':
    case 'failed':
      return view.finishedAt ?? ''
    default:
      return never(view.state)
  }
}

function compareViews(a: JobView, b: JobView): number {
  if (a.state !== b.state) return states.indexOf(a.state) - states.indexOf(b.state)
  const newestFirst = a.state === 'completed' || a.state === 'failed' ? -1 : 1
  return newestFirst * orderOf(a).localeCompare(orderOf(b))
}

/** Reads the queues for people and for metrics. */
export function createReader(parts: { connection: Connection; queues: Queues; prefix: string; now: () => number }) {
  const { connection, queues, prefix, now } = parts
  const { client } = connection

  async function viewsOf(kind: JobKind, state: JobView['state'], limit: number): Promise<JobView[]> {
    const oldestFirst = state !== 'completed' && state !== 'failed'
    const jobs = (await queues[kind].getJobs(typesOf(state), 0, limit - 1, oldestFirst)) as (Job | undefined)[]
    const known = jobs.filter((job) => job?.id !== undefined) as Job[]
    if (state !== 'delayed') return known.map((job) => viewOf(job, kind, state))
    const dues = await Promise.all(known.map((job) => dueOf(kind, job.id as string)))
    return known.map((job, index) => viewOf(job, kind, state, dues[index]))
  }

  async function dueOf(kind: JobKind, id: string): Promise<number | undefined> {
    const score = await client.zscore(`${keyPrefix(prefix, kind)}delayed`, id)
    return score === null ? undefined : Math.floor(Number(score) / dueStep)
  }

  /** A request that waits for an active run has an id but no job yet; it may also have joined a job since. */
  async function followAlias(kind: JobKind, id: string): Promise<JobView | undefined> {
    const base = keyPrefix(prefix, kind)
    const alias = await client.get(`${base}alias:${id}`)
    if (alias === null) return undefined
    if (alias.startsWith('@')) return find(kind, alias.slice(1), false)
    const [jid, data, opts] = await client.hmget(`${base}dn:${alias}`, 'jid', 'data', 'opts')
    if (jid !== id) return undefined
    const read = readPayload(JSON.parse(data ?? 'null'))
    if ('problem' in read || dedupeKey(read.payload) !== alias) return undefined
    const { priority } = JSON.parse(opts ?? '{}') as { priority?: number }
    return { id: shownId(kind, id), ...read.payload, state: 'waiting', lane: laneOf(priority ?? 0), attempts: 0 }
  }

  async function find(kind: JobKind, id: string, mayBeAlias: boolean): Promise<JobView | undefined> {
    const job = await queues[kind].getJob(id)
    if (!job) return mayBeAlias ? ((await followAlias(kind, id)) ?? find(kind, id, false)) : undefined
    const state = stateOf(await job.getState())
    // it may have ended between the two questions, and then the answer to the first does not say how
    const isEnded = state === 'completed' || state === 'failed'
    const seen = isEnded ? ((await queues[kind].getJob(id)) ?? job) : job
    return state && viewOf(seen, kind, state, state === 'delayed' ? await dueOf(kind, id) : undefined)
  }

  /** The jobs that may have waited longest: the head of each lane, and what a stall put back in front. */
  async function oldestOf(kind: JobKind): Promise<number> {
    const base = keyPrefix(prefix, kind)
    const heads = Object.keys(lanes).map((lane) => {
      const { from, to } = laneRange(lane as Lane)
      return client.zrangebyscore(`${base}prioritized`, from * 2 ** 32, (to + 1) * 2 ** 32 - 1, 'LIMIT', 0, 1)
    })
    const ids = (await Promise.all([...heads, client.lrange(`${base}wait`, -1, -1)])).flat()
    const jobs = await Promise.all(ids.map((id) => client.hmget(base + id, 'timestamp', 'ats')))
    const made = jobs.filter(([, started]) => !started || started === '0').map(([timestamp]) => Number(timestamp))
    return Math.max(0, ...made.filter((at) => at > 0).map((at) => now() - at))
  }

  async function perKind<T>(read: (kind: JobKind) => Promise<T>): Promise<Record<JobKind, T>> {
    const entries = await Promise.all(jobKinds.map(async (kind) => [kind, await read(kind)] as const))
    return Object.fromEntries(entries) as Record<JobKind, T>
  }

  async function countsOf(kind: JobKind): Promise<QueueCounts[JobKind]> {
    const found = await queues[kind].getJobCounts('wait', 'prioritized', 'active', 'delayed', 'completed', 'failed')
    const { wait = 0, prioritized = 0, active = 0, delayed = 0, completed = 0, failed = 0 } = found
    return { waiting: wait + prioritized, active, delayed, completed, failed }
  }

  const reader: Reader = {
    list: ({ kinds = jobKinds, states: wanted = states, limit }) =>
      connection.call(async () => {
        if (limit < 1) return []
        // what is named twice is not read twice
        const lists = [...new Set(kinds)].flatMap((kind) =>
          [...new Set(wanted)].map((state) => viewsOf(kind, state, limit)),
        )
        return (await Promise.all(lists)).flat().sort(compareViews).slice(0, limit)
      }),
    async get(jobId) {
      const found = findQueue(jobId)
      return found && connection.call(() => find(found.kind, found.id, true))
    },
    of: (work) =>
      connection.call(async () => {
        const id = await client.get(`${keyPrefix(prefix, work.kind)}de:${dedupeKey(work)}`)
        return id === null ? undefined : await find(work.kind, id, true)
      }),
    counts: () => connection.call(() => perKind(countsOf)),
    countsOf: (kind) => connection.call(() => countsOf(kind)),
    oldestWaitMs: () => connection.call(() => perKind(oldestOf)),
  }
  return reader
}
