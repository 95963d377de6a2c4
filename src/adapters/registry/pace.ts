import pLimit from 'p-limit'
import { type RateBudget, readBudget, type SaidBudget } from '../../domain/image/rate-budget.ts'
import { createSteadyClock } from '../../lib/steady-clock.ts'
import type { Answer } from './connections.ts'
import { rateLimited } from './failure.ts'
import type { RegistryMemory } from './memory.ts'
import { createPaceMemory, type PaceMemory } from './pace-memory.ts'
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
  answered(answer: Answer): Promise<void>
  /** The host, or who gives its tokens (then without an answer), wants to be left alone for so long. Gives for how long it is. */
  refused(afterMs: number, answer?: Answer): Promise<number>
  /** A repository was read whole: time to try a little more. */
  succeeded(): void
  /** What is known now, by this process or by one that shares its memory. */
  budget(): Promise<RateBudget>
}

/** The ancestor's figures (flux-v1 §14). */
const slowest = 0.1
const fasterBy = 1.5
const calmMs = 20 * 60_000
/** Hosts that go on refusing are asked more and more rarely, once in five minutes at last (hazard E2). */
const firstPauseMs = 5_000
const longestOwnPauseMs = 5 * 60_000
const longestPauseMs = 3600_000

export function createPace(host: string, { rps, burst, memory, now: clock }: PaceOptions): Pace {
  // pauses end in this time; others are told by the clock
  const now = createSteadyClock(clock)
  // one at a time until it is known whether the host wanted to be left alone
  const limit = pLimit(1)
  const kept = createPaceMemory(host, memory)
  const evenly = createSpacing(burst, now)
  let rate = rps
  let pausedUntil = 0
  let refusals = 0
  let slowedAt = Number.NEGATIVE_INFINITY
  let loading: Promise<void> | undefined
  const said = createListener(kept, clock)

  async function load(): Promise<void> {
    const known = await kept.pace()
    if (!known || known.until === 0) limit.concurrency = burst
    if (!known) return
    pausedUntil = Math.max(pausedUntil, now() + pauseLeftMs(known.until, clock()))
    if (known.rate > 0) rate = Math.min(rate, Math.max(known.rate, slowest))
    if (rate < rps) slowedAt = now()
  }

  const mustNotBePaused = (): void => refuseFor(pausedUntil - now(), host)

  async function keepPause(): Promise<void> {
    await Promise.all([kept.keepPace({ until: pausedUntil - now() + clock(), rate }), said.keep()])
  }

  return {
    take: (work, signal) =>
      limit(async () => {
        signal?.throwIfAborted()
        await (loading ??= load())
        mustNotBePaused()
        await evenly(rate, signal)
        mustNotBePaused()
        return await work()
      }),
    async answered(answer) {
      refusals = 0
      limit.concurrency = burst
      const { remaining, resetAt } = said.hear(answer) ?? {}
      const resetMs = resetAt === undefined ? 0 : Date.parse(resetAt) - clock()
      if (remaining !== 0 || resetMs <= 0) return
      pausedUntil = Math.max(pausedUntil, now() + Math.min(resetMs, longestPauseMs))
      await keepPause()
    },
    async refused(afterMs, answer) {
      if (answer) said.hear(answer)
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
      await keepPause()
      return pausedUntil - now()
    },
    succeeded() {
      void said.keep()
      if (rate >= rps || now() - slowedAt < calmMs) return
      rate = Math.min(rate * fasterBy, rps)
      slowedAt = now()
      void kept.keepPace({ until: 0, rate })
    },
    async budget() {
      await (loading ??= load())
      const [shared, latest] = await Promise.all([kept.pace(), said.latest()])
      const leftMs = Math.max(pausedUntil - now(), pauseLeftMs(shared?.until ?? 0, clock()))
      return {
        host: nameOf(host),
        rps: Math.min(Math.max(shared?.rate ?? rate, slowest), rps),
        mostRps: rps,
        burst,
        pausedUntil: leftMs > 0 ? new Date(clock() + leftMs).toISOString() : '',
        ...(latest ? { said: latest } : {}),
      }
    },
  }
}

type Listener = {
  hear(answer: Answer): SaidBudget | undefined
  /** Not at each answer: there may be thousands. */
  keep(): Promise<void>
  /** Of this process or another. */
  latest(): Promise<SaidBudget | undefined>
}

/** Remembers what the host says of its budget. */
function createListener(kept: PaceMemory, now: () => number): Listener {
  let said: SaidBudget | undefined
  let isKept = true
  return {
    hear({ headers }) {
      const found = readBudget(headers, now())
      if (!found) return undefined
      said = found
      isKept = false
      return found
    },
    async keep() {
      if (isKept || !said) return
      isKept = true
      await kept.keepSaid(said)
    },
    async latest() {
      const other = await kept.said()
      if (!said || !other) return said ?? other
      return said.at < other.at ? other : said
    },
  }
}

/** Waits until it is the next request's turn, so that they go evenly after a burst. */
function createSpacing(burst: number, now: () => number): (rate: number, signal?: AbortSignal) => Promise<void> {
  /** When the next request would go if all went evenly. */
  let evenly = 0
  return async (rate, signal) => {
    const gapMs = 1000 / rate
    const from = Math.max(evenly, now() - (burst - 1) * gapMs)
    evenly = from + gapMs
    const waitMs = from - now()
    if (waitMs > 0) await pause(waitMs, signal)
  }
}

/** A host that is reached by plain HTTP has a pace of its own; people call it by its name. */
function nameOf(host: string): string {
  return host.replace(/ insecure$/, '')
}

/** While a pause lasts. */
function refuseFor(leftMs: number, host: string): void {
  if (leftMs > 0) throw rateLimited(nameOf(host), leftMs)
}

/** How long a pause lasts yet. A clock that was wrong must not silence a registry for ever. */
function pauseLeftMs(until: number, now: number): number {
  return until > now && until - now <= longestPauseMs ? until - now : 0
}
