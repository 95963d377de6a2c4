import { AppError, toAppError } from '../domain/error.ts'

/** A reading with the time it was taken (Unix milliseconds), and why there is no newer one. */
export type Reading<T> = { value: T; at: number; failure?: AppError }

export type CachedOptions = {
  /** How old an answer may be, in milliseconds. */
  ttlMs: number
  /** So long somebody waits for a reading; it may go on longer by itself. */
  timeoutMs: number
  now: () => number
}

/** A reading that took longer is not waited for as long as there is one before it. */
const slowMs = 250
/** So many times as long as a slow reading took, none is begun: it must not be all that we do. */
const restsFor = 3
/** After so long a reading has failed. */
const deadlineMs = 60_000

type Running<T> = { startedAt: number; reading: Promise<Reading<T>> }

/**
 * Reads at most once per `ttlMs`, however many ask. When a reading fails the last good one is given with the failure, so that
 * what could not be read is never taken for absent; before the first good one the failure is thrown. Where readings are slow (much is
 * there) the last one is given at once and the next begins behind it; `at` says how old it is. `notBefore` (Unix milliseconds) asks for
 * a reading that is not older, whatever its age.
 */
export function createCached<T>(
  read: (signal: AbortSignal) => Promise<T>,
  options: CachedOptions,
): (notBefore?: number) => Promise<Reading<T>> {
  const { ttlMs, timeoutMs, now } = options
  let last: Reading<T> | undefined
  let checkedAt = Number.NEGATIVE_INFINITY
  let tookMs = 0
  let running: Running<T> | undefined

  async function refresh(at: number): Promise<Reading<T>> {
    try {
      const value = await within(Math.max(deadlineMs, timeoutMs), read)
      last = { value, at }
      return last
    } catch (error) {
      if (!last) throw error
      last = { ...last, failure: toAppError(error) }
      return last
    } finally {
      checkedAt = now()
      tookMs = checkedAt - at
      running = undefined
    }
  }

  function begin(): Running<T> {
    const startedAt = now()
    running ??= { startedAt, reading: refresh(startedAt) }
    return running
  }

  return async (notBefore = Number.NEGATIVE_INFINITY) => {
    const age = now() - checkedAt
    // seen in what is the future now: of unknown age
    const isFit = last !== undefined && last.at >= notBefore && age >= 0
    if (last && isFit && age < ttlMs) return last
    if (last && isFit && !last.failure && tookMs > slowMs) {
      if (age >= restsFor * tookMs) begin().reading.catch(() => undefined)
      return last
    }
    if (running && running.startedAt < notBefore) await patience(timeoutMs, running.reading).catch(() => undefined)
    return await patience(timeoutMs, begin().reading)
  }
}

/** Waits so long for a reading; what then becomes of it is not this caller's. */
async function patience<T>(timeoutMs: number, reading: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(tooLate(timeoutMs)), timeoutMs)
  try {
    return await Promise.race([reading, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

function tooLate(timeoutMs: number, cause?: unknown): AppError {
  const message = `The API server did not answer within ${timeoutMs / 1000} s.`
  return new AppError('ClusterUnavailable', message, { cause })
}

/** Reads from the cluster with a deadline shorter than the adapter's own: somebody waits for the answer. */
export async function within<T>(timeoutMs: number, read: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(timeoutMs)
  try {
    return await read(signal)
  } catch (error) {
    if (!signal.aborted) throw toAppError(error)
    throw tooLate(timeoutMs, error)
  }
}
