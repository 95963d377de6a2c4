/** Chance that can be replayed: the same seed gives the same numbers. */
export type Random = {
  /** In [0, 1). */
  next(): number
  /** A whole number of [from, to], both included. */
  between(from: number, to: number): number
  pick<T>(list: readonly T[]): T
}

/** Mulberry32 over a hash of all words of the seed. */
export function createRandom(...seed: readonly (string | number)[]): Random {
  let state = 0x811c9dc5
  for (const char of seed.join('/')) state = Math.imul(state ^ char.charCodeAt(0), 0x01000193) >>> 0

  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const between = (from: number, to: number) => from + Math.floor(next() * (to - from + 1))
  return { next, between, pick: (list) => list[between(0, list.length - 1)] as (typeof list)[number] }
}
