import { createBullBoard } from '@bull-board/api'
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter'
import type { IServerAdapter } from '@bull-board/api/typings/app'
import { FastifyAdapter } from '@bull-board/fastify'
import type { FastifyPluginAsync } from 'fastify'
import type { Queues } from './queues.ts'

/** Makes the board; `uiPath` is the folder of @bull-board/ui where it is not found by itself (bundles). */
export type Board = (options: { uiPath?: string }) => FastifyPluginAsync

/** The page would load fonts from elsewhere: whoever looks at the queues is told to nobody. */
const contentPolicy = [
  "default-src 'self'",
  "img-src 'self' data:",
  "style-src 'self' 'unsafe-inline'",
  "font-src 'self' data:",
  "frame-ancestors 'none'",
].join('; ')

/**
 * bull-board over our queues, for looking only (W39): its own switch for that, and a door that lets nothing through
 * but reads. Without Redis it answers 503 at once, where bull-board would wait.
 */
export function createBoard(queues: Queues, isUp: () => boolean): Board {
  return ({ uiPath }) =>
    async (app, { prefix }: { prefix?: string }) => {
      app.addHook('onRequest', async (request, reply) => {
        if (request.method !== 'GET' && request.method !== 'HEAD') {
          await reply.code(405).header('allow', 'GET, HEAD').send({ error: 'The queue board only shows.' })
        } else if (!isUp()) {
          await reply.code(503).header('retry-after', '5').send({ error: 'Redis does not answer.' })
        }
      })
      app.addHook('onSend', async (_request, reply) => {
        reply.header('content-security-policy', contentPolicy).header('referrer-policy', 'no-referrer')
      })
      const adapter = new FastifyAdapter()
      adapter.setBasePath(prefix ?? '')
      createBullBoard({
        queues: Object.values(queues).map((queue) => new BullMQAdapter(queue, { readOnlyMode: true })),
        // its types were not written for exactOptionalPropertyTypes
        serverAdapter: adapter as unknown as IServerAdapter,
        options: { uiConfig: { boardTitle: 'Capstan' }, ...(uiPath ? { uiBasePath: uiPath } : {}) },
      })
      await app.register(adapter.registerPlugin())
    }
}
