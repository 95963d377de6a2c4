import { AppError } from '../../domain/error.ts'
import type { Outcome } from '../../domain/work/job.ts'
import { never } from '../../lib/never.ts'

/** Why a running job was told to stop. */
type StopCause = 'cancelled' | 'shutdown' | 'lockLost'

/** The reason of a job's AbortSignal. */
export class Stopped extends Error {
  readonly stopCause: StopCause

  constructor(stopCause: StopCause, message: string) {
    super(message)
    this.name = 'Stopped'
    this.stopCause = stopCause
  }
}

/** What BullMQ is to do with a job whose run ended. Texts are safe to store. */
export type Verdict =
  | { do: 'complete'; summary: string }
  /** `answered`: see {@link Outcome}. */
  | { do: 'delay'; afterMs: number; why: string; answered?: true }
  /** Without `afterMs` the usual back-off decides, which waits `atMostMs`. */
  | { do: 'retry'; text: string; afterMs?: number; atMostMs?: number }
  | { do: 'fail'; text: string }
  /** Back into the line as if it had not begun: another process takes it. */
  | { do: 'return' }

export type Ended = { outcome: Outcome } | { error: unknown }

const longestText = 500

/** Cut to what a table can show; `redact` takes secrets out. */
function safe(text: string, redact: (text: string) => string): string {
  const clean = redact(text)
  return clean.length <= longestText ? clean : `${clean.slice(0, longestText - 1)}…`
}

/**
 * Maps the end of a run to what happens to the job. An error that is no AppError is our bug: its text may hold
 * anything, so only the word goes to Redis (hazard K1) and the log has the rest.
 */
export function verdictOf(ended: Ended, stopped: Stopped | undefined, redact: (text: string) => string): Verdict {
  if ('outcome' in ended && ended.outcome.end === 'done') {
    return { do: 'complete', summary: safe(ended.outcome.summary, redact) }
  }
  if (stopped) {
    return stopped.stopCause === 'cancelled' ? { do: 'fail', text: safe(stopped.message, redact) } : { do: 'return' }
  }
  if ('outcome' in ended) return verdictOfOutcome(ended.outcome, redact)
  return verdictOfError(ended.error, redact)
}

function verdictOfOutcome(outcome: Outcome, redact: (text: string) => string): Verdict {
  switch (outcome.end) {
    case 'done':
      return { do: 'complete', summary: safe(outcome.summary, redact) }
    case 'again':
      return {
        do: 'delay',
        afterMs: Math.max(outcome.afterMs, 0),
        why: safe(outcome.why, redact),
        ...(outcome.answered ? { answered: true } : {}),
      }
    default:
      return never(outcome)
  }
}

function verdictOfError(error: unknown, redact: (text: string) => string): Verdict {
  if (!(error instanceof AppError)) {
    return { do: 'retry', text: 'InternalError: A bug in Capstan; see the log of this job.' }
  }
  const text = safe(`${error.reason}: ${error.message}`, redact)
  if (error.retry === 'never') return { do: 'fail', text }
  if (error.retry === 'backoff') return { do: 'retry', text }
  if ('atMostMs' in error.retry) return { do: 'retry', text, atMostMs: Math.max(error.retry.atMostMs, 0) }
  return { do: 'retry', text, afterMs: Math.max(error.retry.afterMs, 0) }
}
