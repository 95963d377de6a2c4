import { setTimeout as sleep } from 'node:timers/promises'

/** A line without meaning, so that proxies keep the connection and a client that is gone is noticed. */
const beatEveryMs = 15_000
/** Then the client comes back by itself, with a token that is looked at again. */
const longestMs = 3_600_000

/** What was seen: an event for who looks on, empty where there is no news; `isLast` ends the stream. */
export type Seen = { event: string; isLast?: boolean }

/**
 * Server-sent events (WHATWG HTML, 9.2) of something that is looked at again and again; `mayGoOn` is asked before each look. Ends when
 * nothing can be seen, and the client comes back.
 */
export async function* followLive(
  { everyMs, mayGoOn }: { everyMs: number; mayGoOn: () => Promise<boolean> },
  look: () => Promise<Seen | undefined>,
): AsyncGenerator<string> {
  const ends = performance.now() + longestMs
  let beat = performance.now()
  yield 'retry: 2000\n\n'
  while ((await mayGoOn()) && performance.now() < ends) {
    const seen = await look().catch(() => undefined)
    if (!seen) return
    if (seen.event !== '') yield seen.event
    if (seen.isLast) return
    if (performance.now() - beat > beatEveryMs) {
      beat = performance.now()
      yield ': still here\n\n'
    }
    await sleep(everyMs)
  }
}
