import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { AppOptions, FrontPage } from '../app-options.ts'
import type { BrowserSessions } from '../browser-sessions.ts'
import type { Problem } from '../contract/problem.ts'

/** Nothing from elsewhere, nothing inline, in nobody's frame. */
const contentPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const htmlType = 'text/html; charset=utf-8'

/** What every answer to a browser carries. */
const pageHeaders = {
  'content-security-policy': contentPolicy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}

/** What a browser is told that is not let in. */
export function refuseBrowser(frontPage: Pick<FrontPage, 'renderClosed'>) {
  return (_request: FastifyRequest, reply: FastifyReply, { status, retryAfter }: Problem): FastifyReply => {
    if (retryAfter !== undefined) void reply.header('retry-after', String(retryAfter))
    return reply.code(status).headers(pageHeaders).type(htmlType).send(frontPage.renderClosed())
  }
}

type Options = Pick<AppOptions, 'views' | 'version' | 'now'> & {
  frontPage: FrontPage
  sessions: Pick<BrowserSessions, 'enter'>
}

/** The page at `/`, for looking only: what is there, what stands still and why; and the door for browsers. */
export const frontPageRoutes: FastifyPluginAsync<Options> = async (
  app,
  { views, version, now, frontPage, sessions },
) => {
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, browsers: true, refuse: refuseBrowser(frontPage) }
    route.schema = { ...route.schema, hide: true }
  })
  app.addHook('onSend', async (_request, reply) => {
    reply.headers(pageHeaders)
  })
  app.get('/', async (_request, reply) => {
    const text = frontPage.render({ version, ...(await views.overview()) }, now().getTime())
    return reply.type(htmlType).send(text)
  })
  // looking whether a link works must not use it up
  app.get<{ Params: { code: string } }>('/enter/:code', { exposeHeadRoute: false }, async (request, reply) => {
    const cookie = await sessions.enter(request.params.code, request)
    if (cookie === undefined) return reply.code(410).type(htmlType).send(frontPage.renderClosed())
    return reply.header('set-cookie', cookie).type(htmlType).send(frontPage.renderEntered())
  })
  for (const [name, text] of Object.entries(frontPage.assets)) {
    const type = name.endsWith('.css') ? 'text/css; charset=utf-8' : 'text/javascript; charset=utf-8'
    app.get(`/${name}`, async (_request, reply) => reply.type(type).send(text))
  }
}
