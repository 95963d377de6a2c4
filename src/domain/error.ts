import type { Reason } from './status/reason.ts'

/** When to try again what failed. `never`: only a change of input helps. `atMostMs`: with back-off, but not later than that. */
export type Retry = 'never' | 'backoff' | { afterMs: number } | { atMostMs: number }

/**
 * The one exception of the house. `reason` is the word that people see in conditions, events, logs and the CLI;
 * `message` is one plain sentence, safe to print: what happened, why, what to do. Adapters translate foreign errors
 * into this at their border; past it nobody reads stderr or an HTTP status.
 */
export class AppError extends Error {
  readonly reason: Reason
  readonly retry: Retry
  /** Safe to print: no secret, no whole response body. */
  readonly details: Readonly<Record<string, string | number | boolean>>

  constructor(
    reason: Reason,
    message: string,
    options: { retry?: Retry; cause?: unknown; details?: Record<string, string | number | boolean> } = {},
  ) {
    // what a host or a tool said is quoted in messages; its control characters must reach no terminal
    super(message.replace(/\p{Cc}+/gu, ' '), { cause: options.cause })
    this.name = 'AppError'
    this.reason = reason
    this.retry = options.retry ?? 'backoff'
    this.details = options.details ?? {}
  }
}

/** What the system says to whoever writes to a full disk, which any step may meet. */
const fullDisk: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT'])

/** The AppError itself, `DiskFull`, or any other throwable as `InternalError` (our bug). */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error
  if (fullDisk.has((error as { code?: unknown } | undefined)?.code))
    return new AppError('DiskFull', 'no room is left on the disk of Capstan (--cache-dir)', { cause: error })
  const message = error instanceof Error ? error.message : String(error)
  return new AppError('InternalError', message, { cause: error })
}

/** The same failure, tried again after at most `ms` where back-off alone would decide when. A bug stays as it was thrown. */
export function triedWithin(ms: number, error: unknown): unknown {
  if (!(error instanceof AppError) || error.retry !== 'backoff') return error
  const { reason, message, details } = error
  return new AppError(reason, message, { retry: { atMostMs: ms }, cause: error, details })
}
