import type { Job } from 'bullmq'
import type { JobKind } from '../../domain/work/job.ts'
import { Stopped } from './outcome.ts'

type Run = {
  kind: JobKind
  jobId: string
  job: Job
  /** One run per object: its deduplication id. */
  object: string
  controller: AbortController
  /** By the monotonic clock: when the lock was last known to be ours. */
  lockedAt: number
  /** Resolves when its work has ended, and that of the older runs which it waited for. */
  ended: Promise<void>
}

export type Runs = {
  /**
   * Registers a run; waits until an older run of the same object in this process has ended. `end` says that its work is
   * done, `forget` that BullMQ knows.
   */
  begin: (
    run: Pick<Run, 'kind' | 'jobId' | 'job' | 'object'>,
  ) => Promise<{ signal: AbortSignal; end: () => void; forget: () => void }>
  count: (kind: JobKind) => number
  /** Takes BullMQ's id of a job. */
  has: (kind: JobKind, id: string) => boolean
  /** Starts so far, of a kind. */
  started: (kind: JobKind) => number
  /** Aborts a run; false when it is not here. */
  stop: (jobId: string, why: Stopped) => boolean
  stopAll: (why: Stopped) => void
  /** The locks of these jobs (BullMQ's ids) were renewed, or could not be. */
  renewed: (kind: JobKind, ids: readonly string[]) => void
  lost: (kind: JobKind, ids: readonly string[]) => void
  /** Aborts runs whose lock was not renewed for `lockMs`, also where Redis is silent. */
  stopExpired: (lockMs: number) => void
  /** Resolves once the work of all has ended. */
  idle: () => Promise<void>
}

/**
 * The jobs that run in this process. `isKnown` says whether the queue still knows a job: after a FLUSHALL the same
 * object can be handed out again while its first run goes on (hazard B2), so that one is stopped and waited for.
 */
export function createRuns(isKnown: (kind: JobKind, id: string) => Promise<boolean>): Runs {
  const runs = new Set<Run>()
  const latest = new Map<string, Run>()
  const starts = new Map<JobKind, number>()
  const lockLost = (): Stopped => new Stopped('lockLost', 'the lock of the job is lost; another process may run it')

  function each(kind: JobKind, ids: readonly string[], work: (run: Run) => void): void {
    for (const run of runs) if (run.kind === kind && ids.includes(run.job.id ?? '')) work(run)
  }

  async function waitForOlder(run: Run, older: Run): Promise<void> {
    // handed out a second time, or forgotten: the older run has lost its lock
    const isLost = older.jobId === run.jobId || !(await isKnown(older.kind, older.job.id ?? ''))
    if (isLost) older.controller.abort(lockLost())
    const stop = new Promise<void>((resolve) => {
      run.controller.signal.addEventListener('abort', () => resolve(), { once: true })
    })
    await Promise.race([older.ended, stop])
  }

  return {
    async begin({ kind, jobId, job, object }) {
      const { promise: ended, resolve } = Promise.withResolvers<void>()
      const run: Run = {
        kind,
        jobId,
        job,
        object,
        controller: new AbortController(),
        lockedAt: performance.now(),
        ended,
      }
      const older = latest.get(object)
      latest.set(object, run)
      runs.add(run)
      starts.set(kind, (starts.get(kind) ?? 0) + 1)
      if (older) await waitForOlder(run, older)
      const end = (): void => {
        resolve(older?.ended)
        if (latest.get(object) === run) latest.delete(object)
      }
      return { signal: run.controller.signal, end, forget: () => runs.delete(run) }
    },
    count: (kind) => [...runs].filter((run) => run.kind === kind).length,
    has: (kind, id) => [...runs].some((run) => run.kind === kind && run.job.id === id),
    started: (kind) => starts.get(kind) ?? 0,
    stop(jobId, why) {
      const found = [...runs].filter((run) => run.jobId === jobId)
      for (const run of found) run.controller.abort(why)
      return found.length > 0
    },
    stopAll(why) {
      for (const run of runs) run.controller.abort(why)
    },
    renewed: (kind, ids) => each(kind, ids, (run) => (run.lockedAt = performance.now())),
    lost: (kind, ids) => each(kind, ids, (run) => run.controller.abort(lockLost())),
    stopExpired(lockMs) {
      const now = performance.now()
      for (const run of runs) if (now - run.lockedAt > lockMs) run.controller.abort(lockLost())
    },
    async idle() {
      await Promise.all([...runs].map((run) => run.ended))
    },
  }
}
