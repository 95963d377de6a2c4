import { createHash } from 'node:crypto'
import type { Overview } from './contract/overview.ts'
import { followLive } from './live-stream.ts'

export type Looker = {
  /** What was seen last, as its id; empty for nothing. */
  last: string
  /** Asked before each look. */
  mayGoOn: () => Promise<boolean>
}

const lookEveryMs = 1000

/** The overview whenever it has changed; ends when it cannot be read, and the client comes back. */
export function followOverview({ last, mayGoOn }: Looker, read: () => Promise<Overview>): AsyncGenerator<string> {
  let known = last
  return followLive({ everyMs: lookEveryMs, mayGoOn }, async () => {
    const seen = await read()
    const id = idOf(seen)
    const event = id === known ? '' : `id: ${id}\nevent: overview\ndata: ${JSON.stringify(seen)}\n\n`
    known = id
    return { event }
  })
}

/** The same for two pictures that differ in the time of looking alone. */
export function idOf(seen: Overview): string {
  const times = new Set(['observedAt', 'fetchedAt', 'oldestWaitSeconds'])
  const text = JSON.stringify(seen, (key, value: unknown) => (times.has(key) ? undefined : value))
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
