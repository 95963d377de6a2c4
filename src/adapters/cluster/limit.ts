/** Who goes first. `urgent` (Leases) never waits; reads go before writes, so that a look is not stuck behind a first sync. */
export type Urgency = 'urgent' | 'read' | 'write'

/** How many requests may be in flight at once, learnt from what the server answers (W10). */
export type InFlight = {
  /** Resolves when it is this request's turn; the function gives the place back. Rejects with the signal's reason. */
  take(urgency: Urgency, signal?: AbortSignal): Promise<() => void>
  /** The server did its work: the limit rises slowly. */
  accepted(): void
  /** The server asked us to slow down: the limit is halved, at most once a second (one burst of 429 is one refusal). */
  slowDown(): void
  /** Highest number of requests in flight now allowed. */
  size(): number
}

type Waiter = { start: () => void }

/** Additive increase, multiplicative decrease between 1 and `max`. `now` is a monotonic clock in milliseconds. */
export function createInFlight(max: number, now: () => number): InFlight {
  const waiting: Record<'read' | 'write', Set<Waiter>> = { read: new Set(), write: new Set() }
  let size = max
  let busy = 0
  let credit = 0
  let halvedAt = Number.NEGATIVE_INFINITY

  function startNext(): void {
    while (busy < size) {
      const [next] = waiting.read.size > 0 ? waiting.read : waiting.write
      if (!next) return
      waiting.read.delete(next)
      waiting.write.delete(next)
      busy += 1
      next.start()
    }
  }

  function place(): () => void {
    let held = true
    return () => {
      if (!held) return
      held = false
      busy -= 1
      startNext()
    }
  }

  async function queue(lane: 'read' | 'write', signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted()
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        waiting[lane].delete(waiter)
        reject(signal?.reason as Error)
      }
      const waiter: Waiter = {
        start: () => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        },
      }
      waiting[lane].add(waiter)
      signal?.addEventListener('abort', onAbort, { once: true })
      startNext()
    })
    return place()
  }

  return {
    take: async (urgency, signal) => (urgency === 'urgent' ? () => {} : await queue(urgency, signal)),
    accepted() {
      if (size >= max) return
      credit += 1
      if (credit < size) return
      credit = 0
      size += 1
      startNext()
    },
    slowDown() {
      if (now() - halvedAt < 1000) return
      halvedAt = now()
      credit = 0
      size = Math.max(1, Math.floor(size / 2))
    },
    size: () => size,
  }
}
