import pLimit from 'p-limit'
import type { Answer } from './connections.ts'
import { rateLimited } from './failure.ts'
import { parseFields } from './image-time.ts'
import type { RegistryMemory } from './memory.ts'
import { pause } from './pause.ts'

export type PaceOptions = {
  /** Requests a second, as long as the host does not complain. */
  rps: number
  /** Requests that may go at once after a quiet time, and be under way at once. */
  burst: number
  memory: RegistryMemory | undefined
  /** Milliseconds since 1970. */
  now: () => number
}

/** How fast one host is asked, by all that this process wants of it. */
export type Pace = {
  /** Waits for a place among the host's requests. Throws RateLimited, without a request, while the host wants to be left alone. */
  take<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T>
  /** An answer that is no refusal; a host that says that nothing is left until a time is left alone until then. */
  answered(answer: Answer): void
  /** The host wants to be left alone for so long. Gives for how long it is. */
  refused(afterMs: number): Promise<number>
  /** A repository was read whole: time to try a little more. */
  succeeded(): void
}

/** The ancestor's figures (flux-v1 §14). */
const slowest = 0.1
const fasterBy = 1.5
const calmMs = 20 * 60_000
/** Hosts that go on refusing are asked more and more rarely, once in five minutes at last (hazard E2). */
const firstPauseMs = 5_000
const longestOwnPauseMs = 5 * 60_000
const longestPauseMs = 3600_000
/** Of what is remembered over restarts. */
const keptMs = 24 * 3600_000

export function createPace(host: string, { rps, burst, memory, now }: PaceOptions): Pace {
  // one at a time until it is known whether the host wanted to be left alone
  const limit = pLimit(1)
  const key = `registry-pace:${host}`
  let rate = rps
  let pausedUntil = 0
  let refusals = 0
  let slowedAt = Number.NEGATIVE_INFINITY
  /** When the next request would go if all went evenly. */
  let evenly = 0
  let loading: Promise<void> | undefined

  async function load(): Promise<void> {
    const known = parseFields((await memory?.get(key)) ?? '')
    if (!known || typeof known.until !== 'number' || typeof known.rate !== 'number') {
      limit.concurrency = burst
      return
    }
    // a clock that was wrong must not silence a registry for ever
    if (known.until - now() <= longestPauseMs) pausedUntil = Math.max(pausedUntil, known.until)
    if (known.until === 0) limit.concurrency = burst
    if (known.rate > 0) rate = Math.min(rate, Math.max(known.rate, slowest))
    if (rate < rps) slowedAt = now()
  }

  function mustNotBePaused(): void {
    const left = pausedUntil - now()
    // one that is reached by plain HTTP has a pace of its own; people call it by its name
    if (left > 0) throw rateLimited(host.replace(/ insecure$/, ''), left)
  }

  async function waitForTurn(signal: AbortSignal | undefined): Promise<void> {
    const gapMs = 1000 / rate
    const from = Math.max(evenly, now() - (burst - 1) * gapMs)
    evenly = from + gapMs
    const waitMs = from - now()
    if (waitMs > 0) await pause(waitMs, signal)
  }

  return {
    take: (work, signal) =>
      limit(async () => {
        signal?.throwIfAborted()
        await (loading ??= load())
        mustNotBePaused()
        await waitForTurn(signal)
        mustNotBePaused()
        return await work()
      }),
    answered({ headers }) {
      refusals = 0
      limit.concurrency = burst
      const left = secondsIn(headers['ratelimit-remaining'])
      const resetMs = (secondsIn(headers['ratelimit-reset']) ?? 0) * 1000
      if (left === 0 && resetMs > 0) pausedUntil = Math.max(pausedUntil, now() + Math.min(resetMs, longestPauseMs))
    },
    async refused(afterMs) {
      await (loading ??= load())
      const isFirst = now() >= pausedUntil
      // requests that were under way together are one refusal
      if (isFirst) {
        rate = Math.max(rate / 2, slowest)
        slowedAt = now()
        const own = Math.min(firstPauseMs * 2 ** refusals++, longestOwnPauseMs)
        pausedUntil = now() + (refusals === 1 ? afterMs : Math.max(afterMs, own))
      } else pausedUntil = Math.max(pausedUntil, now() + afterMs)
      // whoever comes next finds out alone whether it is over
      limit.concurrency = 1
      await memory?.set(key, JSON.stringify({ until: pausedUntil, rate }), { ttlMs: keptMs })
      return pausedUntil - now()
    },
    succeeded() {
      if (rate >= rps || now() - slowedAt < calmMs) return
      rate = Math.min(rate * fasterBy, rps)
      slowedAt = now()
      void memory?.set(key, JSON.stringify({ until: 0, rate }), { ttlMs: keptMs })
    },
  }
}

/** `100` or `100;w=21600`. */
function secondsIn(header: string | string[] | undefined): number | undefined {
  const [, digits] = typeof header === 'string' ? (/^\s*(\d{1,9})\s*(?:;|$)/.exec(header) ?? []) : []
  return digits === undefined ? undefined : Number(digits)
}
