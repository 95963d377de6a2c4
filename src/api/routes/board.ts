import type { FastifyPluginAsync } from 'fastify'
import type { FrontPage } from '../app-options.ts'
import { refuseBrowser } from './front-page.ts'

/** The queue board, for browsers with a session (W39) and for who brings a token. */
export const boardRoutes: FastifyPluginAsync<{
  board: FastifyPluginAsync
  prefix: string
  frontPage?: FrontPage
}> = async (app, { board, prefix, frontPage }) => {
  app.addHook('onRoute', (route) => {
    const refuse = frontPage ? { refuse: refuseBrowser(frontPage) } : {}
    route.config = { ...route.config, browsers: true, ...refuse }
    route.schema = { ...route.schema, hide: true }
  })
  // called, not registered: it is to add its routes here, below the prefix that it must also know
  await board(app, { prefix } as Record<never, never>)
}
