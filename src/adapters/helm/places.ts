import pLimit from 'p-limit'

type Place = <T>(work: () => Promise<T>) => Promise<T>

/** Where a run of helm waits for its turn (W6). */
export type Places = {
  /** For what uses a processor. What goes on for longer than `busyMs` gives its place to the next, as soon as it can wait elsewhere. */
  working: Place
  /** For what only waits. */
  waiting: Place
}

/**
 * `limit` gives the few places on the processors. Whatever helm does with one, after a while it mostly waits, for a hook: such runs hold
 * up no others, as long as one of the `waiting` places is free.
 */
export function createPlaces(limit: Place, { waiting, busyMs }: { waiting: number; busyMs: number }): Places {
  const elsewhere = pLimit(waiting)

  /** Ends as soon as what has begun waits elsewhere. */
  async function moved(ended: Promise<void>): Promise<void> {
    await new Promise<void>((resolve) => setTimeout(resolve, busyMs).unref())
    const begun = Promise.withResolvers<void>()
    void elsewhere(async () => {
      begun.resolve()
      await ended
    })
    await begun.promise
  }

  return {
    waiting: (work) => elsewhere(work),
    async working<T>(work: () => Promise<T>): Promise<T> {
      const { promise, resolve } = Promise.withResolvers<T>()
      const ended = promise.then(noMore, noMore)
      await limit(async () => {
        resolve(work())
        await Promise.race([ended, moved(ended)])
      })
      return await promise
    },
  }
}

function noMore(): void {
  // whoever asked for the work is told how it ended
}
