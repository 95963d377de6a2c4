/**
 * The same clock, which never goes back: where the other one does (hazard F3), this one goes on from where it was. For ages and pauses
 * inside of one process; not for times that others read.
 */
export function createSteadyClock(now: () => number): () => number {
  let last = Number.NEGATIVE_INFINITY
  let ahead = 0
  return () => {
    const read = now()
    if (read + ahead < last) ahead = last - read
    last = read + ahead
    return last
  }
}

/** True for what was less than `forMs` ago; not for what seems to lie ahead, which is of unknown age: the clock went back. */
export function isWithin(at: number, now: number, forMs: number): boolean {
  return at <= now && now - at < forMs
}
