import { AppError, toAppError } from '../domain/error.ts'

/** A reading with the time it was taken (Unix milliseconds), and why there is no newer one. */
export type Reading<T> = { value: T; at: number; failure?: AppError }

export type CachedOptions = {
  /** How old an answer may be, in milliseconds. */
  ttlMs: number
  /** After so long a reading has failed. */
  timeoutMs: number
  now: () => number
}

/**
 * Reads at most once per `ttlMs`, however many ask. When a reading fails the last good one is given with the failure, so that
 * what could not be read is never taken for absent; before the first good one the failure is thrown. `notBefore` (Unix milliseconds)
 * asks for a reading that is not older, whatever its age.
 */
export function createCached<T>(
  read: (signal: AbortSignal) => Promise<T>,
  options: CachedOptions,
): (notBefore?: number) => Promise<Reading<T>> {
  const { ttlMs, timeoutMs, now } = options
  let last: Reading<T> | undefined
  let checkedAt = Number.NEGATIVE_INFINITY
  let running: { startedAt: number; reading: Promise<Reading<T>> } | undefined

  async function refresh(at: number): Promise<Reading<T>> {
    try {
      const value = await within(timeoutMs, read)
      last = { value, at }
      return last
    } catch (error) {
      if (!last) throw error
      last = { ...last, failure: toAppError(error) }
      return last
    } finally {
      checkedAt = now()
      running = undefined
    }
  }

  return async (notBefore = Number.NEGATIVE_INFINITY) => {
    if (last && now() - checkedAt < ttlMs && last.at >= notBefore) return last
    if (running && running.startedAt < notBefore) await running.reading.catch(() => undefined)
    if (!running) {
      const startedAt = now()
      running = { startedAt, reading: refresh(startedAt) }
    }
    return await running.reading
  }
}

/** Reads from the cluster with a deadline shorter than the adapter's own: somebody waits for the answer. */
export async function within<T>(timeoutMs: number, read: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(timeoutMs)
  try {
    return await read(signal)
  } catch (error) {
    if (!signal.aborted) throw toAppError(error)
    throw new AppError('ClusterUnavailable', `The API server did not answer within ${timeoutMs / 1000} s.`, {
      cause: error,
    })
  }
}
