import type { JobView, LaneDepths, Queue } from '../../src/adapters/queue/index.ts'
import { AppError } from '../../src/domain/error.ts'
import { dedupeKey } from '../../src/domain/work/dedupe-key.ts'
import { type JobKind, type JobPayload, jobKinds, lanes, type WorkRequest } from '../../src/domain/work/job.ts'

/** A queue in memory that records what was asked for and runs nothing; requests join as in the real one (W2). */
export type FakeQueue = Queue & {
  /** Every request, in the order it came. */
  readonly requests: WorkRequest[]
  /** Jobs as they wait, newest request merged into the job of its object. */
  readonly jobs: JobView[]
  /** Cancelled job ids with who asked. */
  readonly cancelled: { jobId: string; who: string }[]
  /** What jobs wrote, by their id. */
  readonly logs: Map<string, string[]>
  /** Takes all waiting jobs out, as if they had run; gives their payloads. */
  drain(): JobPayload[]
  goAway(): void
  comeBack(): void
}

export function createFakeQueue(now: () => number = Date.now): FakeQueue {
  const requests: WorkRequest[] = []
  const jobs: JobView[] = []
  const cancelled: { jobId: string; who: string }[] = []
  const scheduled = new Set<string>()
  const paused = new Set<JobKind>()
  const logs = new Map<string, string[]>()
  let isUp = true
  let count = 0

  function needRedis(): void {
    if (!isUp) throw new AppError('RedisUnavailable', 'Redis does not answer; work goes on by itself once it is back.')
  }
  const waitingFor = (request: WorkRequest): JobView | undefined =>
    jobs.find((job) => job.state !== 'completed' && job.state !== 'failed' && dedupeKey(job) === dedupeKey(request))
  const laneNumber = (lane: string): number => lanes[lane as keyof typeof lanes]

  function join(job: JobView, request: WorkRequest): void {
    if (laneNumber(request.lane) > laneNumber(job.lane)) return
    job.lane = request.lane
    job.reason = request.reason
    if (laneNumber(request.lane) <= lanes.change) job.state = 'waiting'
  }

  function change(jobId: string, states: JobView['state'][], to: JobView['state']): boolean {
    needRedis()
    const job = jobs.find((candidate) => candidate.id === jobId && states.includes(candidate.state))
    if (job) job.state = to
    return job !== undefined
  }

  function perKind<T>(value: (kind: JobKind) => T): Record<JobKind, T> {
    return Object.fromEntries(jobKinds.map((kind) => [kind, value(kind)])) as Record<JobKind, T>
  }

  return {
    requests,
    logs,
    jobs,
    cancelled,
    drain() {
      const done = jobs.filter((job) => job.state === 'waiting' || job.state === 'delayed')
      for (const job of done) job.state = 'completed'
      return done.map(({ kind, namespace, name, reason, requestedAt }) => ({
        kind,
        namespace,
        name,
        reason,
        requestedAt,
      }))
    },
    goAway: () => {
      isUp = false
    },
    comeBack: () => {
      isUp = true
    },
    async enqueue(request) {
      needRedis()
      requests.push(request)
      const known = waitingFor(request)
      if (known) {
        join(known, request)
        return { jobId: known.id }
      }
      const { kind, namespace, name, reason, lane, delayMs = 0 } = request
      const state = delayMs > 0 && lane !== 'person' ? 'delayed' : 'waiting'
      const requestedAt = new Date(now()).toISOString()
      const id = `${kind}.${++count}`
      jobs.push({ id, kind, namespace, name, reason, lane, state, attempts: 0, requestedAt })
      return { jobId: id }
    },
    async work() {},
    async schedule(entries) {
      needRedis()
      const missing = entries.map(({ id }) => id).filter((id) => !scheduled.has(id))
      scheduled.clear()
      for (const { id } of entries) scheduled.add(id)
      return missing
    },
    async list({ kinds = jobKinds, states, limit }) {
      needRedis()
      const found = jobs.filter((job) => kinds.includes(job.kind) && (!states || states.includes(job.state)))
      return structuredClone(found.slice(0, limit))
    },
    async get(jobId) {
      needRedis()
      return structuredClone(jobs.find((job) => job.id === jobId))
    },
    async of(work) {
      needRedis()
      const isOpen = ({ state }: JobView): boolean => state !== 'completed' && state !== 'failed'
      return structuredClone(jobs.find((job) => isOpen(job) && dedupeKey(job) === dedupeKey(work)))
    },
    async countsOf(kind) {
      return (await this.counts())[kind]
    },
    async counts() {
      needRedis()
      const none = { waiting: 0, active: 0, delayed: 0, completed: 0, failed: 0 }
      const counts = perKind(() => ({ ...none }))
      for (const job of jobs) counts[job.kind][job.state]++
      return counts
    },
    async oldestWaitMs() {
      needRedis()
      const waits = jobs.filter((job) => job.state === 'waiting')
      return perKind((kind) =>
        Math.max(0, ...waits.filter((job) => job.kind === kind).map((job) => now() - Date.parse(job.requestedAt))),
      )
    },
    async lanes() {
      needRedis()
      const depthOf = (lane: string) => {
        const waits = jobs.filter((job) => job.lane === lane && job.state === 'waiting')
        const active = jobs.filter((job) => job.lane === lane && job.state === 'active').length
        const oldestWaitMs = Math.max(0, ...waits.map((job) => now() - Date.parse(job.requestedAt)))
        return { waiting: waits.length, active, oldestWaitMs }
      }
      return Object.fromEntries(Object.keys(lanes).map((lane) => [lane, depthOf(lane)])) as LaneDepths
    },
    retry: async (jobId) => change(jobId, ['failed', 'completed', 'delayed', 'waiting'], 'waiting'),
    async cancel(jobId, who) {
      const waits = change(jobId, ['waiting', 'delayed'], 'failed')
      if (waits)
        jobs.splice(
          jobs.findIndex(({ id }) => id === jobId),
          1,
        )
      const found = waits || change(jobId, ['active'], 'failed')
      if (found) cancelled.push({ jobId, who })
      return found
    },
    promote: async (jobId) => change(jobId, ['delayed', 'waiting'], 'waiting'),
    async log(jobId, { from, limit }) {
      needRedis()
      const lines = logs.get(jobId) ?? []
      if (!jobs.some(({ id }) => id === jobId)) return undefined
      return { lines: lines.slice(from, from + limit), total: lines.length }
    },
    async pause(kind) {
      needRedis()
      return paused.has(kind) ? false : paused.add(kind) !== undefined
    },
    async resume(kind) {
      needRedis()
      return paused.delete(kind)
    },
    async paused() {
      needRedis()
      return jobKinds.filter((kind) => paused.has(kind))
    },
    isUp: () => isUp,
    warnings: () => [],
    async stopWork() {},
    async close() {},
  }
}
