import { Readable } from 'node:stream'
import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import type { StoredEvent } from '../../domain/event/event.ts'
import type { EventFilter as Wanted } from '../../domain/event/filter.ts'
import { entryId } from '../../domain/event/stored.ts'
import type { HistoryView } from '../../views/history.ts'
import type { AppOptions } from '../app-options.ts'
import { EventFilter, EventList, EventQuery } from '../contract/event.ts'
import { ref } from '../contract/ref.ts'
import { problemAnswers } from '../openapi.ts'
import { goesOn } from '../orderly-end.ts'
import { problem, sendProblem } from '../problem.ts'
import { type Follower, followEvents } from '../event-stream.ts'

const tags = ['events']
/** People who look on at the same time; each costs a read of Redis a second. */
const mostFollowers = 100
const exportBlock = 500

/** What happened: a page, all of it as lines, as it happens. */
export const eventRoutes: FastifyPluginAsyncTypebox<Pick<AppOptions, 'views'>> = async (
  app,
  { views: { history } },
) => {
  let followers = 0

  app.get(
    '/api/v1/events',
    {
      schema: {
        operationId: 'listEvents',
        description: 'What happened, newest first.',
        tags,
        querystring: EventQuery,
        response: { 200: ref(EventList), ...problemAnswers },
      },
    },
    async (request) => {
      const { cursor, order = 'newest', limit = 100, ...filter } = request.query
      const { items, next } = await history.events({ order, cursor, limit }, await filterOf(filter, request))
      return { events: items, next }
    },
  )

  app.get(
    '/api/v1/events/export',
    {
      schema: {
        operationId: 'exportEvents',
        description: 'All events, oldest first, one JSON text a line.',
        tags,
        querystring: EventFilter,
        response: { 200: textOf('application/x-ndjson', 'Events as lines.'), ...problemAnswers },
      },
    },
    async (request, reply) => {
      const filter = await filterOf(request.query, request)
      const first = await history.events({ order: 'oldest', limit: exportBlock }, filter)
      return reply.type('application/x-ndjson').send(Readable.from(linesOf(first, filter, history)))
    },
  )

  app.get(
    '/api/v1/events/stream',
    {
      schema: {
        operationId: 'streamEvents',
        description:
          'Events as they happen, as server-sent events; from after the one that Last-Event-ID names, else from now on.',
        tags,
        querystring: EventFilter,
        response: { 200: textOf('text/event-stream', 'Events, without an end.'), ...problemAnswers },
      },
    },
    async (request, reply) => {
      if (followers >= mostFollowers) return sendProblem(reply, problem('TooManyRequests'))
      const last = request.headers['last-event-id']
      const cursor = typeof last === 'string' && entryId.test(last) ? last : await history.newestEvent()
      const follower: Follower = {
        cursor,
        filter: await filterOf(request.query, request),
        mayGoOn: goesOn(request, reply),
      }
      const stream = Readable.from(followEvents(follower, history))
      followers++
      stream.once('close', () => followers--)
      return reply.type('text/event-stream').header('cache-control', 'no-store').send(stream)
    },
  )
}

function textOf(type: string, description: string) {
  return { description, content: { [type]: { schema: Type.String() } } }
}

/** Who may not see everything is shown nothing that speaks of other namespaces, too. */
async function filterOf(
  { type, severity, source, namespace, since }: EventFilter,
  { may }: Pick<FastifyRequest, 'may'>,
): Promise<Wanted> {
  const isStrict = !(await may({ verb: 'list', resource: 'events', namespace: '' }))
  return { types: type, severity, sources: source, namespaces: namespace, since, isStrict }
}

async function* linesOf(
  first: { items: StoredEvent[]; next: string },
  filter: Wanted,
  history: Pick<HistoryView, 'events'>,
): AsyncGenerator<string> {
  for (let page = first, at = ''; ; ) {
    for (const event of page.items) yield `${JSON.stringify(event)}\n`
    if (page.next === '' || page.next === at) return
    at = page.next
    page = await history.events({ order: 'oldest', cursor: at, limit: exportBlock }, filter)
  }
}
