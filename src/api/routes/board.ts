import type { FastifyPluginAsync } from 'fastify'
import { isFromHere } from '../auth.ts'
import { problem, sendProblem } from '../problem.ts'

/** The queue board for browsers on this machine; they can send no token, so who may look is told by where the call comes from (W39). */
export const boardRoutes: FastifyPluginAsync<{ board: FastifyPluginAsync; prefix: string }> = async (
  app,
  { board, prefix },
) => {
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, open: true }
    route.schema = { ...route.schema, hide: true }
  })
  app.addHook('onRequest', async (request, reply) => {
    if (!isFromHere(request)) await sendProblem(reply, problem('LoopbackOnly'))
  })
  // called, not registered: it is to add its routes here, below the prefix that it must also know
  await board(app, { prefix } as Record<never, never>)
}
