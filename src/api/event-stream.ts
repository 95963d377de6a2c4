import { setTimeout as sleep } from 'node:timers/promises'
import type { StoredEvent } from '../domain/event/event.ts'
import type { EventFilter } from '../domain/event/filter.ts'
import type { HistoryView } from '../views/history.ts'

export type Follower = {
  /** After this event; empty for all. */
  cursor: string
  filter: EventFilter
  /** Asked before each look. */
  mayGoOn: () => Promise<boolean>
}

const lookEveryMs = 500
/** A line without meaning, so that proxies keep the connection and a client that is gone is noticed. */
const beatEveryMs = 15_000
/** Then the client comes back by itself, with a token that is looked at again. */
const longestMs = 3_600_000
const block = 100

/** Server-sent events (WHATWG HTML, 9.2) for as long as the follower may go on; ends when Redis is gone, and the client comes back. */
export async function* followEvents(follower: Follower, history: Pick<HistoryView, 'events'>): AsyncGenerator<string> {
  const ends = performance.now() + longestMs
  let { cursor } = follower
  let beat = performance.now()
  yield 'retry: 2000\n\n'
  while ((await follower.mayGoOn()) && performance.now() < ends) {
    const range = { order: 'oldest' as const, limit: block, ...(cursor === '' ? {} : { cursor }) }
    const page = await history.events(range, follower.filter).catch(() => undefined)
    if (!page) return
    cursor = page.next || cursor
    for (const event of page.items) yield printEvent(event)
    if (page.items.length === block) continue
    if (performance.now() - beat > beatEveryMs) {
      beat = performance.now()
      yield ': still here\n\n'
    }
    await sleep(lookEveryMs)
  }
}

function printEvent(event: StoredEvent): string {
  return `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
}
