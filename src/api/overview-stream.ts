import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Overview } from './contract/overview.ts'

export type Looker = {
  /** What was seen last, as its id; empty for nothing. */
  last: string
  /** Asked before each look. */
  mayGoOn: () => Promise<boolean>
}

const lookEveryMs = 1000
/** A line without meaning, so that proxies keep the connection and a client that is gone is noticed. */
const beatEveryMs = 15_000
/** Then the browser comes back by itself, and its right is looked at again. */
const longestMs = 3_600_000

/** Server-sent events (WHATWG HTML, 9.2): the overview whenever it has changed; ends when it cannot be read, and the client comes back. */
export async function* followOverview(looker: Looker, read: () => Promise<Overview>): AsyncGenerator<string> {
  const ends = performance.now() + longestMs
  let beat = performance.now()
  let { last } = looker
  yield 'retry: 2000\n\n'
  while ((await looker.mayGoOn()) && performance.now() < ends) {
    const seen = await read().catch(() => undefined)
    if (!seen) return
    const id = idOf(seen)
    if (id !== last) {
      last = id
      yield `id: ${id}\nevent: overview\ndata: ${JSON.stringify(seen)}\n\n`
    }
    if (performance.now() - beat > beatEveryMs) {
      beat = performance.now()
      yield ': still here\n\n'
    }
    await sleep(lookEveryMs)
  }
}

/** The same for two pictures that differ in the time of looking alone. */
export function idOf(seen: Overview): string {
  const times = new Set(['observedAt', 'fetchedAt', 'oldestWaitSeconds'])
  const text = JSON.stringify(seen, (key, value: unknown) => (times.has(key) ? undefined : value))
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
