import type { Event, EventFilter } from '../../api/contract/event.ts'
import type { Context } from '../context.ts'
import { mayPass } from '../may-pass.ts'
import { clean } from '../print/clean.ts'

const firstPauseMs = 500
const longestPauseMs = 10_000

/**
 * Events as they happen, from after the one with this id, until the command is stopped. A stream that ends is opened again where it
 * ended. Throws when it cannot be opened at first, or is refused.
 */
export async function* followEvents(
  context: Context,
  filter: EventFilter,
  after: string,
): AsyncGenerator<Event, never> {
  const { client, signal, pause } = context
  let last = after
  let pauseMs = 0
  let wasOpen = false
  const opened = (): void => {
    if (pauseMs > firstPauseMs) context.err.write('connected again\n')
    pauseMs = 0
    wasOpen = true
  }
  for (;;) {
    try {
      for await (const event of client().followEvents(filter, { after: last, signal, opened })) {
        last = event.id
        yield event
      }
    } catch (error) {
      if (!wasOpen || signal.aborted || !mayPass(error)) throw error
      if (pauseMs === firstPauseMs) context.err.write(`${clean((error as Error).message)} It is tried again.\n`)
    }
    pauseMs = Math.min(Math.max(pauseMs * 2, firstPauseMs), longestPauseMs)
    await pause(pauseMs)
  }
}
