import type { JobKind } from '../../domain/work/job.ts'
import type { Connection } from './connection.ts'
import { lockMs, type OpenWorker, openWorker, type WorkerParts } from './open-worker.ts'
import { Stopped } from './outcome.ts'
import type { Processor } from './run-job.ts'
import { keyPrefix } from './scripts.ts'
import { within } from './within.ts'

/** Which jobs this process takes, and how many of a kind at once. */
type Processors = Partial<Record<JobKind, { run: Processor; slots: number }>>

type Consumer = {
  start: (processors: Processors) => void
  /** Kinds that are worked on here. */
  kinds: () => JobKind[]
  /** Looks at once for jobs whose process died. */
  findStalled: (kind: JobKind) => Promise<void>
  close: (graceMs: number) => Promise<void>
}

const checkMs = 5000
/** Jobs wait, slots are free, nothing starts: after this long the connection is thought wedged (hazard B4). */
const wedgedMs = 30_000
/** After an abort a job has this long to end; a child that ignores SIGTERM is killed after 5 s. */
const abortMs = 8000
/** Time for telling Redis how the last jobs ended. */
const tellMs = 3000

type Station = {
  kind: JobKind
  run: Processor
  slots: number
  worker: OpenWorker
  started: number
  stuckSince?: number
}

/** Takes jobs out of the queues and keeps taking them, whatever becomes of Redis. */
export function createConsumer(parts: WorkerParts & { connection: Connection }): Consumer {
  const { prefix, connection, runs, log } = parts
  const stations: Station[] = []
  const retiring = new Set<OpenWorker>()
  let timer: NodeJS.Timeout | undefined
  let isClosing = false

  function open(kind: JobKind, run: Processor, slots: number): OpenWorker {
    const opened = openWorker(parts, kind, run, slots)
    // a worker whose first words with Redis failed never recovers
    opened.worker.waitUntilReady().catch(() => reopen(opened))
    return opened
  }

  function reopen(stuck: OpenWorker): void {
    const station = stations.find((candidate) => candidate.worker === stuck)
    if (!station || isClosing) return
    log.warn({ kind: station.kind }, 'a worker stood still and gets a new connection')
    station.worker = open(station.kind, station.run, station.slots)
    delete station.stuckSince
    void retire(stuck)
  }

  /** What still runs on it may end; then nothing is left of it. */
  async function retire(worker: OpenWorker): Promise<void> {
    retiring.add(worker)
    await within(worker.close(), lockMs)
    worker.cut()
    retiring.delete(worker)
  }

  /** Hazard B4: a worker that runs and takes nothing although jobs wait. */
  async function check(station: Station): Promise<void> {
    const starts = runs.started(station.kind)
    const isFree = runs.count(station.kind) < station.slots
    const waiting = isFree ? await takeable(connection, keyPrefix(prefix, station.kind)) : 0
    const moved = starts !== station.started
    station.started = starts
    if (waiting === 0 || moved) {
      delete station.stuckSince
      return
    }
    station.stuckSince ??= performance.now()
    if (performance.now() - station.stuckSince >= wedgedMs) reopen(station.worker)
  }

  function checkAll(): void {
    runs.stopExpired(lockMs)
    if (!connection.isUp()) {
      for (const station of stations) delete station.stuckSince
      return
    }
    for (const station of stations) check(station).catch(() => delete station.stuckSince)
  }

  return {
    kinds: () => stations.map((station) => station.kind),
    start(processors) {
      for (const [kind, { run, slots }] of Object.entries(processors) as [
        JobKind,
        { run: Processor; slots: number },
      ][]) {
        stations.push({ kind, run, slots, started: 0, worker: open(kind, run, slots) })
      }
      timer ??= setInterval(checkAll, checkMs).unref()
    },
    async findStalled(kind) {
      const station = stations.find((candidate) => candidate.kind === kind)
      await station?.worker.worker.getBackend().moveStalledJobsToWait()
    },
    async close(graceMs) {
      isClosing = true
      clearInterval(timer)
      const workers = [...stations.map((station) => station.worker), ...retiring]
      const closed = Promise.allSettled(workers.map((worker) => worker.close()))
      await within(runs.idle(), graceMs)
      runs.stopAll(new Stopped('shutdown', 'the process stops'))
      await within(runs.idle(), abortMs)
      await within(closed, connection.isUp() ? tellMs : 0)
      for (const worker of workers) worker.cut()
    },
  }
}

/** Jobs of a kind that a worker could take: none while the kind is paused. */
async function takeable({ client }: Connection, base: string): Promise<number> {
  const [first, later, isPaused] = await Promise.all([
    client.llen(`${base}wait`),
    client.zcard(`${base}prioritized`),
    client.hexists(`${base}meta`, 'paused'),
  ])
  return isPaused === 1 ? 0 : first + later
}
