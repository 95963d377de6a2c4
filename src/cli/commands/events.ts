import type { Event, EventFilter } from '../../api/contract/event.ts'
import type { Action, Context, OutputFormat } from '../context.ts'
import { exitCodes } from '../exit.ts'
import { clean } from '../print/clean.ts'
import { printJson, printJsonLine } from '../print/json.ts'
import { printTable } from '../print/table.ts'
import { allPages } from './all-pages.ts'

export type EventsOptions = {
  filter: Omit<EventFilter, 'since'>
  /** Not older than so many milliseconds. */
  sinceMs: number | undefined
  limit: number
  follow: boolean
  output: OutputFormat
}

const followPauseMs = 1_000
const block = 200

/** `capstan events`: what happened, the newest last; with `follow` until it is stopped. */
export const showEvents: Action<EventsOptions> = async (context, { filter, sinceMs, limit, follow, output }) => {
  const { client, signal, out, now } = context
  const since = sinceMs === undefined ? {} : { since: new Date(now() - sinceMs).toISOString() }
  const newest = await allPages(limit, async (range) => {
    const { events: items, next } = await client().events({ ...filter, ...since, ...range }, { signal })
    return { items, next }
  })
  const events = newest.toReversed()
  if (!follow && output === 'json') {
    out.write(printJson({ events }))
    return exitCodes.done
  }
  if (events.length > 0) out.write(output === 'json' ? events.map(printJsonLine).join('') : eventTable(events, context))
  else if (!follow) out.write('nothing happened (that is kept and wanted)\n')
  return follow ? await followOn(context, filter, { after: events.at(-1)?.id, output }) : exitCodes.done
}

async function followOn(
  context: Context,
  filter: EventsOptions['filter'],
  { after, output }: { after: string | undefined; output: OutputFormat },
): Promise<never> {
  const { client, signal, out, pause } = context
  let cursor = after
  const start = new Date(context.now()).toISOString()
  for (;;) {
    await pause(followPauseMs)
    const at = cursor === undefined ? { since: start } : { cursor }
    const page = await client().events({ ...filter, ...at, order: 'oldest', limit: block }, { signal })
    cursor = page.next || cursor
    for (const event of page.events)
      out.write(output === 'json' ? printJsonLine(event) : `${rowOf(event, context).join('  ')}\n`)
  }
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
