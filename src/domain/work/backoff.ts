/** First wait after a failure; hazard B12. */
const firstMs = 5_000
const longestMs = 15 * 60_000
/** ± part of the wait that is random, so that what failed together does not come back together. */
const jitter = 0.2

/**
 * Milliseconds to wait before the next try: 5 s doubling to 15 min, ± 20 %, and never more than `atMostMs`. `failures` counts from 1.
 * `random` gives [0, 1).
 */
export function backoffMs(failures: number, random: () => number, atMostMs: number = Infinity): number {
  const doublings = Math.min(Math.max(failures, 1) - 1, 16)
  const wait = Math.min(firstMs * 2 ** doublings, longestMs, atMostMs / (1 + jitter))
  return Math.round(wait * (1 - jitter + 2 * jitter * random()))
}
