import type { Queue } from '../adapters/queue/index.ts'
import { toAppError } from '../domain/error.ts'
import { periodicReason } from '../domain/work/job.ts'
import type { ResyncScope } from '../jobs/resync.ts'
import type { Logger } from '../lib/logger.ts'

/** What is done again and again, and how often. */
export type Periods = { scope: ResyncScope; everyMs: number }[]

/** Redis may forget at any time; what it forgot is put back within this time (law 1: a minute). */
const healEveryMs = 15_000

/**
 * Keeps the periodic work scheduled while this process leads: at the start everything is asked for once, and again whenever Redis has
 * lost the schedules. Ends when the signal aborts.
 */
export function keepSchedules(
  periods: Periods,
  deps: { queue: Queue; log: Logger; namespace: string },
  signal: AbortSignal,
): void {
  const { queue, log, namespace } = deps
  const entries = periods.map(({ scope, everyMs }) => ({
    id: scope,
    everyMs,
    payload: { kind: 'resync' as const, namespace, name: scope, reason: periodicReason },
  }))
  let started = false
  let away = false

  async function heal(): Promise<void> {
    try {
      const missing = await queue.schedule(entries)
      if (started && missing.length === 0) return
      const reason = started ? 'the queue was lost' : 'start'
      for (const { scope } of periods)
        await queue.enqueue({ kind: 'resync', namespace, name: scope, reason, lane: 'change' })
      if (started) log.warn({ missing }, 'Redis had lost its schedules; all work is asked for again')
      started = true
      away = false
    } catch (error) {
      const { reason, message } = toAppError(error)
      if (!away && !signal.aborted) log.warn({ reason }, `periodic work cannot be scheduled: ${message}`)
      away = true
    }
  }

  const timer = setInterval(() => void heal(), healEveryMs)
  signal.addEventListener('abort', () => clearInterval(timer), { once: true })
  void heal()
}
