import { LRUCache } from 'lru-cache'
import { isWithin } from '../../lib/steady-clock.ts'

/** Answers that count for a while. */
export type Recent<T> = {
  /**
   * The last answer while it is fresh; else that of `ask`, which is called once for all who want it at the same time, and gets the
   * answer before.
   */
  get(key: string, ask: (before: T | undefined) => Promise<T>): Promise<T>
  /** This answer is of no use any more. */
  forget(key: string, answer: T): void
}

/** Remembers `most` answers for `forMs`; failures are not remembered. */
export function createRecent<T extends object>(options: { forMs: number; most: number; now: () => number }): Recent<T> {
  const { forMs, most, now } = options
  const known = new LRUCache<string, { answer: T; at: number }>({ max: most })
  const asking = new Map<string, Promise<T>>()

  async function refresh(key: string, ask: (before: T | undefined) => Promise<T>): Promise<T> {
    try {
      const answer = await ask(known.get(key)?.answer)
      known.set(key, { answer, at: now() })
      return answer
    } finally {
      asking.delete(key)
    }
  }

  return {
    async get(key, ask) {
      const seen = known.get(key)
      if (seen && isWithin(seen.at, now(), forMs)) return seen.answer
      const running = asking.get(key) ?? refresh(key, ask)
      asking.set(key, running)
      return await running
    },
    forget(key, answer) {
      if (known.get(key)?.answer === answer) known.delete(key)
    },
  }
}
