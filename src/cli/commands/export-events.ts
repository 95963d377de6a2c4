import type { EventFilter } from '../../api/contract/event.ts'
import type { Action } from '../context.ts'
import { exitCodes } from '../exit.ts'

export type ExportOptions = {
  filter: Omit<EventFilter, 'since'>
  /** Not older than so many milliseconds. */
  sinceMs: number | undefined
}

/** `capstan events --export`: everything that is kept, oldest first, one JSON text a line as the server wrote it. */
export const exportEvents: Action<ExportOptions> = async ({ client, out, signal, now }, { filter, sinceMs }) => {
  const since = sinceMs === undefined ? {} : { since: new Date(now() - sinceMs).toISOString() }
  for await (const lines of client().exportEvents({ ...filter, ...since }, { signal })) out.write(lines)
  return exitCodes.done
}
