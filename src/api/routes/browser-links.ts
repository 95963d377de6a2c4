import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { BrowserSessions } from '../browser-sessions.ts'
import { BrowserLink } from '../contract/browser-link.ts'
import { ref } from '../contract/ref.ts'
import { problemAnswers } from '../openapi.ts'

/** Links that let a browser in (W39). */
export const browserLinkRoutes: FastifyPluginAsyncTypebox<{ sessions: Pick<BrowserSessions, 'makeLink'> }> = async (
  app,
  { sessions },
) => {
  app.post(
    '/api/v1/browser-links',
    {
      schema: {
        operationId: 'makeBrowserLink',
        description:
          'A path that lets one browser see the page at / and the queue board, for twelve hours. It works once, within five minutes.',
        tags: ['process'],
        response: { 201: ref(BrowserLink), ...problemAnswers },
      },
    },
    async ({ caller }, reply) => {
      const { code, expiresAt } = await sessions.makeLink(caller.kind === 'user' ? caller.user : undefined)
      return reply
        .code(201)
        .header('cache-control', 'no-store')
        .send({ path: `/enter/${code}`, expiresAt })
    },
  )
}
