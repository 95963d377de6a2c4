import type { Store } from '../../src/adapters/store/index.ts'

/** A store in memory. `goAway()` makes it behave as the real one without Redis; `comeBack()` brings its content back. */
export type FakeStore = Store & { goAway(): void; comeBack(): void }

export function createFakeStore(now: () => number = Date.now): FakeStore {
  const values = new Map<string, { value: string; until: number }>()
  const streams = new Map<string, { id: string; entry: Record<string, string> }[]>()
  let isUp = true
  let count = 0

  return {
    async get(key) {
      const found = values.get(key)
      return isUp && found && found.until > now() ? found.value : undefined
    },
    async set(key, value, { ttlMs } = {}) {
      if (isUp) values.set(key, { value, until: ttlMs === undefined ? Number.POSITIVE_INFINITY : now() + ttlMs })
    },
    async delete(key) {
      if (isUp) values.delete(key)
    },
    async append(stream, entry, { maxLength }) {
      if (!isUp || Object.keys(entry).length === 0) return
      const entries = [...(streams.get(stream) ?? []), { id: `${now()}-${count++}`, entry: { ...entry } }]
      streams.set(stream, entries.slice(-maxLength))
    },
    async recent(stream, limit) {
      return isUp && limit > 0 ? (streams.get(stream) ?? []).slice(-limit).reverse() : []
    },
    async close() {
      isUp = false
    },
    goAway: () => {
      isUp = false
    },
    comeBack: () => {
      isUp = true
    },
  }
}
