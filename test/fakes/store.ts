import { AppError } from '../../src/domain/error.ts'
import type { Store } from '../../src/adapters/store/index.ts'

/** A store in memory. `goAway()` makes it behave as the real one without Redis; `comeBack()` brings its content back. */
export type FakeStore = Store & { goAway(): void; comeBack(): void }

export function createFakeStore(now: () => number = Date.now): FakeStore {
  const values = new Map<string, { value: string; until: number }>()
  const streams = new Map<string, { id: string; entry: Record<string, string> }[]>()
  let isUp = true
  let count = 0

  function find(key: string): string | undefined {
    const found = values.get(key)
    return found && found.until > now() ? found.value : undefined
  }

  function mustBeUp(): void {
    if (!isUp) throw new AppError('RedisUnavailable', 'Redis does not answer.')
  }

  return {
    async get(key) {
      return isUp ? find(key) : undefined
    },
    async getMany(keys) {
      return keys.map((key) => (isUp ? find(key) : undefined))
    },
    async read(key) {
      mustBeUp()
      return find(key)
    },
    async write(key, value, { ttlMs }) {
      mustBeUp()
      values.set(key, { value, until: now() + ttlMs })
    },
    async set(key, value, { ttlMs } = {}) {
      if (isUp) values.set(key, { value, until: ttlMs === undefined ? Number.POSITIVE_INFINITY : now() + ttlMs })
    },
    async delete(key) {
      if (isUp) values.delete(key)
    },
    async take(key) {
      mustBeUp()
      const found = find(key)
      values.delete(key)
      return found
    },
    async append(stream, entry, { maxLength, maxAgeMs = Number.POSITIVE_INFINITY }) {
      if (!isUp || Object.keys(entry).length === 0) return undefined
      const id = `${now()}-${count++}`
      const entries = streams.get(stream) ?? []
      streams.set(stream, entries)
      entries.push({ id, entry: { ...entry } })
      while (entries.length > maxLength || timeOf(entries[0]?.id ?? id) < now() - maxAgeMs) entries.shift()
      return id
    },
    async page(stream, { order, cursor, limit }) {
      mustBeUp()
      const entries = streams.get(stream) ?? []
      const ordered = order === 'newest' ? entries.toReversed() : entries
      const rest = ordered.filter(({ id }) => cursor === undefined || isPast(id, cursor, order))
      return rest.slice(0, Math.max(limit, 0))
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

function timeOf(id: string): number {
  return Number(id.split('-')[0])
}

function isPast(id: string, cursor: string, order: 'newest' | 'oldest'): boolean {
  const [[time, count], [edge, edgeCount]] = [id, cursor].map((one) => one.split('-').map(Number)) as [
    [number, number],
    [number, number],
  ]
  const distance = time === edge ? count - edgeCount : time - edge
  return order === 'newest' ? distance < 0 : distance > 0
}
