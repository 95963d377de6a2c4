import { DelayedError, type Job, UnrecoverableError, WaitingError } from 'bullmq'
import { backoffMs } from '../../domain/work/backoff.ts'
import { type JobKind, type JobPayload, type Lane, reasonOfRetry } from '../../domain/work/job.ts'
import { makePayload } from '../../domain/work/payload.ts'
import { laneOf, laneOfRetry } from '../../domain/work/priority.ts'
import type { Logger } from '../../lib/logger.ts'
import { never } from '../../lib/never.ts'
import type { Verdict } from './outcome.ts'
import type { RunScript } from './scripts.ts'

/** A failure that BullMQ tries again; its message is all that Redis gets. */
class TryAgain extends Error {
  readonly times: { afterMs?: number; atMostMs?: number }

  constructor(message: string, times: { afterMs?: number; atMostMs?: number }) {
    super(message)
    this.stack = message
    this.times = times
  }
}

/** BullMQ's back-off strategy: the time that the failure knew, or 5 s doubling to 15 min or to the longest time that it knew. */
export function backoffOf(failures: number, error: Error | undefined, random: () => number): number {
  const { afterMs, atMostMs } = error instanceof TryAgain ? error.times : {}
  return afterMs ?? backoffMs(failures, random, atMostMs)
}

/** What is kept of a run that ended with a wait. */
type LastRun = { why?: string; answered?: true }

/** The data of a job whose request was answered by its last run; empty where it stays as it is. */
function dataOfRetry({ requestedAt, ...asked }: JobPayload): string {
  const made = makePayload({ ...asked, reason: reasonOfRetry(asked.reason) }, requestedAt)
  return 'payload' in made ? JSON.stringify(made.payload) : ''
}

type Parts = {
  script: RunScript
  nextPriority: (kind: JobKind, lane: Lane, namespace: string) => Promise<number>
  log: Logger
}

export type Teller = {
  /** Gives the result of a job that is complete; throws what BullMQ understands for all else. */
  tell: (job: Job, token: string, payload: JobPayload, verdict: Verdict) => Promise<string>
  /** A request that came during the run joins the job that waits again. */
  settle: (job: Job, kind: JobKind) => Promise<void>
}

/** Tells BullMQ how a run ended, so that no request which came meanwhile is lost. */
export function createTeller({ script, nextPriority, log }: Parts): Teller {
  /** Calls on Redis that only make things nicer: without them the job still ends rightly. */
  async function tryTo(what: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (error) {
      log.debug({ error: error instanceof Error ? error.message : '' }, `could not ${what}`)
    }
  }

  /** The next try stands at the end of its namespace's line, not where the last one stood. */
  async function recast(job: Job, payload: JobPayload, how: 'again' | 'failed', last: LastRun = {}): Promise<void> {
    await tryTo('renew the place of a job', async () => {
      const priority = await nextPriority(payload.kind, laneOfRetry(laneOf(job.priority)), payload.namespace)
      const data = last.answered ? dataOfRetry(payload) : ''
      const args = [job.id ?? '', priority, how, JSON.stringify(last.why ?? ''), data]
      await script('recast', { kind: payload.kind, dedupe: job.deduplicationId ?? '' }, args)
    })
  }

  async function settle(job: Job, kind: JobKind): Promise<void> {
    if (!job.deduplicationId) return
    const dedupe = job.deduplicationId
    await tryTo('join a waiting request', () => script('settle', { kind, dedupe }, [job.id ?? '']))
  }

  async function moveBack(job: Job, kind: JobKind, move: () => Promise<unknown>): Promise<void> {
    try {
      await move()
    } catch (error) {
      // the lock or the whole job is gone (hazard B8, B2): somebody else has it, or a resync asks for it again
      log.info({ jobId: job.id, error: error instanceof Error ? error.message : '' }, 'the job is no longer ours')
      return
    }
    await settle(job, kind)
  }

  async function tell(job: Job, token: string, payload: JobPayload, verdict: Verdict): Promise<string> {
    switch (verdict.do) {
      case 'complete':
        return verdict.summary
      case 'delay':
        await recast(job, payload, 'again', verdict)
        await moveBack(job, payload.kind, () => job.moveToDelayed(Date.now() + verdict.afterMs, token))
        throw new DelayedError()
      case 'retry':
        await recast(job, payload, 'failed')
        throw new TryAgain(verdict.text, verdict)
      case 'fail': {
        const error = new UnrecoverableError(verdict.text)
        error.stack = verdict.text
        throw error
      }
      case 'return':
        await moveBack(job, payload.kind, () => job.moveToWait(token))
        throw new WaitingError()
      default:
        return never(verdict)
    }
  }

  return { tell, settle }
}
