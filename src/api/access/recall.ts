import { createSteadyClock } from '../../lib/steady-clock.ts'

/** Remembers answers for a while: asked once for all who want one at the same time. Failures are not remembered. */
export type Recall<T> = (key: string, ask: () => Promise<T>) => Promise<T>

/** `forMs` says how long an answer counts; the oldest of more than `most` are forgotten. */
export function createRecall<T>(options: { forMs: number; most: number; now: () => number }): Recall<T> {
  const { forMs, most } = options
  const now = createSteadyClock(options.now)
  const known = new Map<string, { answer: Promise<T>; until: number }>()

  return async (key, ask) => {
    const before = known.get(key)
    if (before && now() < before.until) return await before.answer
    const entry = { answer: ask(), until: now() + forMs }
    known.delete(key)
    known.set(key, entry)
    for (const oldest of known.keys()) {
      if (known.size <= most) break
      known.delete(oldest)
    }
    try {
      return await entry.answer
    } catch (error) {
      if (known.get(key) === entry) known.delete(key)
      throw error
    }
  }
}
