import type { Store, StreamEntry } from '../adapters/store/index.ts'
import { isAbout, type StoredDeployment } from '../domain/event/deployment.ts'
import type { StoredEvent } from '../domain/event/event.ts'
import { type EventFilter, isWanted } from '../domain/event/filter.ts'
import { deploymentStream, eventStream, readDeployment, readEvent } from '../domain/event/stored.ts'

/** From the newest or the oldest on, or from after `cursor`; at most `limit`. */
export type PageRange = { order: 'newest' | 'oldest'; cursor?: string | undefined; limit: number }

/** `next`: where to read on; empty when the end was reached, which from the oldest on never is as long as more may come. */
export type Page<T> = { items: T[]; next: string }

/** What happened, read from Redis; all throw RedisUnavailable when it is gone. */
export type HistoryView = {
  events(range: PageRange, filter: EventFilter): Promise<Page<StoredEvent>>
  /** Id of the newest event; empty when there is none. */
  newestEvent(): Promise<string>
  deployments(range: PageRange, filter: DeploymentFilter): Promise<Page<StoredDeployment>>
}

/** Which deployments are wanted; what is left out does not restrict. */
export type DeploymentFilter = {
  /** `name` or `namespace/name` of a source or release, or the ID of a workload. */
  about?: string | undefined
  /** Of sources and releases in these namespaces. */
  namespaces?: readonly string[] | undefined
  outcome?: StoredDeployment['outcome'] | undefined
}

const blockSize = 500
/** Entries that one request looks at (about 70 ms); with a filter that fits few it ends with fewer items, and a cursor. */
const mostScanned = 5_000
/** How far the clocks of Redis and of who tells may differ. */
const skewMs = 600_000

type Reading<T> = {
  stream: string
  range: PageRange
  /** Undefined for what is not wanted. */
  read: (entry: StreamEntry) => T | undefined
  /** Nothing that was kept before is wanted; milliseconds since 1970. */
  since: number
}

export function createHistoryView(store: Pick<Store, 'page'>): HistoryView {
  async function scan<T>({ stream, range, read, since }: Reading<T>): Promise<Page<T>> {
    const { order, limit } = range
    const items: T[] = []
    let cursor = range.cursor ?? (order === 'oldest' && since > 0 ? `${since}-0` : undefined)
    for (let scanned = 0; scanned < mostScanned; scanned += blockSize) {
      const block = await store.page(stream, { order, limit: blockSize, ...(cursor ? { cursor } : {}) })
      for (const entry of block) {
        if (order === 'newest' && timeOf(entry) < since) return { items, next: '' }
        cursor = entry.id
        const item = read(entry)
        if (item !== undefined && items.push(item) === limit) return { items, next: cursor }
      }
      if (block.length < blockSize) return { items, next: order === 'newest' ? '' : (cursor ?? '') }
    }
    return { items, next: cursor ?? '' }
  }

  return {
    events: async (range, filter) =>
      await scan({
        stream: eventStream,
        range,
        since: filter.since ? Math.max(0, Date.parse(filter.since) - skewMs) : 0,
        read({ id, entry }) {
          const event = readEvent(id, entry.json)
          return event && isWanted(event, filter) ? event : undefined
        },
      }),
    async newestEvent() {
      const [newest] = await store.page(eventStream, { order: 'newest', limit: 1 })
      return newest?.id ?? ''
    },
    deployments: async (range, { about, namespaces, outcome }) =>
      await scan({
        stream: deploymentStream,
        range,
        since: 0,
        read({ id, entry }) {
          const record = readDeployment(id, entry.json)
          if (!record || (about !== undefined && !isAbout(record, about))) return undefined
          if (outcome !== undefined && record.outcome !== outcome) return undefined
          return !namespaces || namespaces.includes(record.source.namespace) ? record : undefined
        },
      }),
  }
}

function timeOf({ id }: StreamEntry): number {
  return Number(id.split('-')[0])
}
