import type { Event, EventFilter } from '../../api/contract/event.ts'
import type { Action, Context, OutputFormat } from '../context.ts'
import { exitCodes } from '../exit.ts'
import { clean } from '../print/clean.ts'
import { printJson, printJsonLine } from '../print/json.ts'
import { printTable } from '../print/table.ts'
import { allPages } from './all-pages.ts'
import { followEvents } from './follow-events.ts'

export type EventsOptions = {
  filter: Omit<EventFilter, 'since'>
  /** Not older than so many milliseconds. */
  sinceMs: number | undefined
  limit: number
  follow: boolean
  output: OutputFormat
}

/** `capstan events`: what happened, the newest last; with `follow` until it is stopped. */
export const showEvents: Action<EventsOptions> = async (context, { filter, sinceMs, limit, follow, output }) => {
  const { client, signal, out, now } = context
  const since = sinceMs === undefined ? {} : { since: new Date(now() - sinceMs).toISOString() }
  const start = new Date(now()).toISOString()
  const page = await allPages(limit, async (range) => {
    const { events: items, next } = await client().events({ ...filter, ...since, ...range }, { signal })
    return { items, next }
  })
  const events = page.toReversed()
  if (!follow && output === 'json') {
    out.write(printJson({ events }))
    return exitCodes.done
  }
  if (events.length > 0) out.write(output === 'json' ? events.map(printJsonLine).join('') : eventTable(events, context))
  else if (!follow) out.write('nothing happened (that is kept and wanted)\n')
  if (!follow) return exitCodes.done
  // where nothing happened yet all from now on is wanted, also what happens before the stream is open
  const newest = events.at(-1)?.id
  const wanted = newest === undefined ? { ...filter, since: start } : filter
  for await (const event of followEvents(context, wanted, newest ?? '0-0'))
    out.write(output === 'json' ? printJsonLine(event) : `${rowOf(event, context).join('  ')}\n`)
  return exitCodes.done
}

function eventTable(events: readonly Event[], context: Pick<Context, 'style'>): string {
  const rows = events.map((event) => rowOf(event, context))
  return printTable(['TIME', 'SEVERITY', 'TYPE', 'ABOUT', 'MESSAGE'], rows)
}

function rowOf({ endedAt, severity, type, source, message }: Event, { style }: Pick<Context, 'style'>): string[] {
  const paint = { info: (text: string) => text, warning: style.warn, error: style.bad }[severity]
  const { namespace, name } = source
  return [clean(endedAt), paint(severity), type, clean(`${namespace}/${name}`), clean(message)]
}
