import { createSteadyClock } from '../lib/steady-clock.ts'

/** Says whether a caller may go on; false once it has asked too often in the running minute. */
export type RateLimit = (caller: string) => boolean

const minuteMs = 60_000
/** More callers than this in one minute and counting begins again: memory must not grow with the number of addresses. */
const mostCallers = 10_000

/** At most `perMinute` calls a minute for each caller. */
export function createRateLimit(perMinute: number, clock: () => number): RateLimit {
  const now = createSteadyClock(clock)
  const counts = new Map<string, number>()
  let startedAt = now()

  return (caller) => {
    if (now() - startedAt >= minuteMs || counts.size >= mostCallers) {
      counts.clear()
      startedAt = now()
    }
    const count = (counts.get(caller) ?? 0) + 1
    counts.set(caller, count)
    return count <= perMinute
  }
}
