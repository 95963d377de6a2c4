import { Readable } from 'node:stream'
import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import type { AppOptions } from '../app-options.ts'
import { Overview } from '../contract/overview.ts'
import { ref } from '../contract/ref.ts'
import { problemAnswers } from '../openapi.ts'
import { goesOn } from '../orderly-end.ts'
import { followOverview } from '../overview-stream.ts'
import { problem, sendProblem } from '../problem.ts'

const tags = ['status']
/** Browsers that look on at the same time; they share one reading. */
const mostLookers = 100

/** Everything at a glance, once or as it changes; for programs with the token and for browsers that may look. */
export const overviewRoutes: FastifyPluginAsyncTypebox<Pick<AppOptions, 'views' | 'version'>> = async (
  app,
  { views, version },
) => {
  let lookers = 0
  const read = async (): Promise<Overview> => ({ version, ...(await views.overview()) })

  app.get(
    '/api/v1/overview',
    {
      config: { browsers: true },
      schema: {
        operationId: 'getOverview',
        description:
          'What a person wants to see first, and the first causes of what stands still. Up to two seconds old.',
        tags,
        response: { 200: ref(Overview), ...problemAnswers },
      },
    },
    read,
  )

  app.get(
    '/api/v1/overview/stream',
    {
      config: { browsers: true },
      schema: {
        operationId: 'streamOverview',
        description: 'The overview as server-sent events: at once, then whenever it has changed.',
        tags,
        response: {
          200: {
            description: 'Overviews, without an end.',
            content: { 'text/event-stream': { schema: Type.String() } },
          },
          ...problemAnswers,
        },
      },
    },
    async (request, reply) => {
      if (lookers >= mostLookers) return sendProblem(reply, problem('TooManyRequests'))
      const last = request.headers['last-event-id']
      const stream = Readable.from(
        followOverview(
          {
            last: typeof last === 'string' ? last : '',
            mayGoOn: goesOn(request, reply),
          },
          read,
        ),
      )
      lookers++
      stream.once('close', () => lookers--)
      return reply.type('text/event-stream').header('cache-control', 'no-store').send(stream)
    },
  )
}
