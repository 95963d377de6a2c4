import { createHash } from 'node:crypto'

/** Where deliveries are kept for all replicas; may forget, and may be away. */
export type DeliveryStore = {
  get(key: string): Promise<string | undefined>
  set(key: string, value: string, options: { ttlMs: number }): Promise<void>
}

/** Webhook deliveries of the last day, so that one is not worked on twice (hazard L4). */
export type Deliveries = {
  has(id: string): Promise<boolean>
  add(id: string): void
}

const windowMs = 24 * 60 * 60_000
/** So that memory does not grow with the number of pushes. */
const mostRemembered = 10_000
/** A store that has not answered by then is not waited for: the sender is. */
const storeMs = 100

/** This process remembers by itself; `store`, where there is one, is asked too. */
export function createDeliveries(store: DeliveryStore | undefined, now: () => number): Deliveries {
  const until = new Map<string, number>()

  return {
    async has(id) {
      const key = keyOf(id)
      if ((until.get(key) ?? 0) > now()) return true
      if (!store) return false
      return (await Promise.race([store.get(key).catch(() => undefined), nothingAfter(storeMs)])) !== undefined
    },
    add(id) {
      const key = keyOf(id)
      until.delete(key)
      until.set(key, now() + windowMs)
      for (const oldest of until.keys()) {
        if (until.size <= mostRemembered) break
        until.delete(oldest)
      }
      void store?.set(key, '1', { ttlMs: windowMs }).catch(() => undefined)
    },
  }
}

/** An id is a stranger's text of any length. */
function keyOf(id: string): string {
  return `hook:${createHash('sha256').update(id).digest('hex')}`
}

function nothingAfter(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), ms).unref()
  })
}
