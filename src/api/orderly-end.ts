import type { Server, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { serversOf } from './loopback.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** It listens no more, and what is under way is to come to its end. */
    readonly isClosing: boolean
  }
}

/** What was asked before the end has this long to be answered. */
const finishMs = 10_000
/** Requests that have arrived and were not read yet are seen by then. */
const lookMs = 50

/**
 * Lets an app end without a caller noticing. Once `isEnding` says so each answer closes its connection, and all is answered on. When the app
 * is closed, no connection is taken any more, streams end, what was asked is answered, and what is left after ten seconds is cut.
 */
export function endOrderly(app: FastifyInstance, isEnding: () => boolean): void {
  const underWay = new Set<ServerResponse>()
  let isClosing = false
  app.decorate('isClosing', { getter: () => isClosing })
  app.server.on('request', (_request, answer: ServerResponse) => {
    underWay.add(answer)
    answer.once('close', () => underWay.delete(answer))
  })
  app.addHook('onSend', async (_request, reply) => {
    if (isEnding() || isClosing) reply.header('connection', 'close')
  })
  app.addHook('preClose', async () => {
    isClosing = true
    await finish(
      serversOf(app).filter(({ listening }) => listening),
      underWay,
    )
  })
}

async function finish(servers: readonly Server[], underWay: ReadonlySet<ServerResponse>): Promise<void> {
  if (servers.length === 0) return
  for (const server of servers) server.close()
  const ends = performance.now() + finishMs
  do await sleep(lookMs)
  while (underWay.size > 0 && performance.now() < ends)
  for (const server of servers) server.closeAllConnections()
}

/** Whether a stream goes on: somebody reads it, who has not lost the right to, and the API does not close. */
export function goesOn(request: FastifyRequest, reply: FastifyReply): () => Promise<boolean> {
  return async () => !reply.raw.destroyed && !request.server.isClosing && (await request.mayStay())
}
