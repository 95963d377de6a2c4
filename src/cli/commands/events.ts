import type { Event, EventFilter } from '../../api/contract/event.ts'
import type { Action, Context, ListFormat } from '../context.ts'
import { exitCodes } from '../exit.ts'
import { clean } from '../print/clean.ts'
import { printJsonLine } from '../print/json.ts'
import { type Listing, printListing } from '../print/listing.ts'
import { printTable } from '../print/table.ts'
import { printYaml } from '../print/yaml.ts'
import { allPages } from './all-pages.ts'
import { followEvents } from './follow-events.ts'

export type EventsOptions = {
  filter: Omit<EventFilter, 'since'>
  /** Not older than so many milliseconds. */
  sinceMs: number | undefined
  limit: number
  follow: boolean
  output: ListFormat
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
  if (!follow) {
    out.write(printListing(listingOf(events, context), output))
    return exitCodes.done
  }
  if (isTable(output)) out.write(events.length > 0 ? eventTable(events, context, output === 'wide') : '')
  else for (const event of events) out.write(streamed(event, context, output))
  // where nothing happened yet all from now on is wanted, also what happens before the stream is open
  const newest = events.at(-1)?.id
  const wanted = newest === undefined ? { ...filter, since: start } : filter
  for await (const event of followEvents(context, wanted, newest ?? '0-0')) out.write(streamed(event, context, output))
  return exitCodes.done
}

function listingOf(events: readonly Event[], context: Pick<Context, 'style'>): Listing {
  const none = 'nothing happened (that is kept and wanted)\n'
  return {
    data: { events },
    names: events.map(({ id }) => id),
    table: (wide) => (events.length > 0 ? eventTable(events, context, wide) : none),
    code: exitCodes.done,
  }
}

function isTable(output: ListFormat): boolean {
  return output === 'table' || output === 'wide'
}

/** One event, as it is printed when it comes: a line, or a document of YAML. */
function streamed(event: Event, context: Pick<Context, 'style'>, output: ListFormat): string {
  if (output === 'json') return printJsonLine(event)
  if (output === 'yaml') return `---\n${printYaml(event)}`
  return output === 'name' ? `${clean(event.id)}\n` : `${rowOf(event, context, output === 'wide').join('  ')}\n`
}

function eventTable(events: readonly Event[], context: Pick<Context, 'style'>, wide: boolean): string {
  const rows = events.map((event) => rowOf(event, context, wide))
  const more = wide ? ['ID', 'REASON', 'COMMIT', 'WORKLOADS'] : []
  return printTable(['TIME', 'SEVERITY', 'TYPE', 'ABOUT', ...more, 'MESSAGE'], rows)
}

function rowOf(event: Event, { style }: Pick<Context, 'style'>, wide: boolean): string[] {
  const { id, endedAt, severity, type, source, message, reason, commit, serviceIDs } = event
  const paint = { info: (text: string) => text, warning: style.warn, error: style.bad }[severity]
  const more = wide ? [id, reason, commit.slice(0, 7), serviceIDs.join(',')].map((cell) => clean(cell) || '-') : []
  return [clean(endedAt), paint(severity), type, clean(`${source.namespace}/${source.name}`), ...more, clean(message)]
}
