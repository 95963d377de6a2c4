import { fastifySwagger } from '@fastify/swagger'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { guard } from './access/guard.ts'
import type { AppOptions, MetricsText } from './app-options.ts'
import { answerClientError } from './client-error.ts'
import { createBrowserSessions } from './browser-sessions.ts'
import { fluxRoutes } from './flux/routes.ts'
import { createMethodsOf } from './methods.ts'
import { endOrderly } from './orderly-end.ts'
import { openApi, sharedSchemas } from './openapi.ts'
import { problem, problemOf, sendProblem } from './problem.ts'
import { boardRoutes } from './routes/board.ts'
import { browserLinkRoutes } from './routes/browser-links.ts'
import { commitRoutes } from './routes/commits.ts'
import { eventRoutes } from './routes/events.ts'
import { historyRoutes } from './routes/history.ts'
import { explainRoutes } from './routes/explain.ts'
import { frontPageRoutes } from './routes/front-page.ts'
import { hookRoutes } from './routes/hooks.ts'
import { imageRoutes } from './routes/images.ts'
import { jobRoutes } from './routes/jobs.ts'
import { objectRoutes } from './routes/objects.ts'
import { overviewRoutes } from './routes/overview.ts'
import { planRoutes, sourceChangeRoutes } from './routes/plans.ts'
import { processRoutes } from './routes/process.ts'
import { registryHookRoutes } from './routes/registry-hooks.ts'
import { releaseChangeRoutes, releaseLookRoutes } from './routes/release-changes.ts'
import { releaseRoutes } from './routes/releases.ts'
import { sinkRoutes } from './routes/sinks.ts'
import { sourceRoutes } from './routes/sources.ts'
import { answerRoutes, updateRoutes } from './routes/updates.ts'
import { workloadRoutes } from './routes/workloads.ts'
import { connectionsCheckingInterval } from './loopback.ts'
import { schemaController } from './validation.ts'

/** Bodies of everything but webhooks and notifications. */
const bodyLimit = 64 * 1024
const maxHeaderSize = 16 * 1024

/** The API as a value: no port is opened. Listen or `inject` as you like. */
export function createApp(options: AppOptions): FastifyInstance {
  const { log, onAnswer } = options
  const app = fastify({
    logger: false,
    bodyLimit,
    // the schemas of parameters say how long they may be
    routerOptions: { maxParamLength: maxHeaderSize },
    schemaController,
    requestTimeout: 30_000,
    connectionTimeout: 120_000,
    keepAliveTimeout: 15_000,
    forceCloseConnections: true,
    return503OnClosing: false,
    http: { maxHeaderSize, headersTimeout: 15_000, connectionsCheckingInterval },
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, _request, reply) => void sendProblem(reply, problemOf(error)),
  })

  endOrderly(app, options.isEnding ?? (() => false))
  const methodsOf = createMethodsOf(app)
  const sessions = createBrowserSessions({ token: options.token, store: options.links, now: options.now })
  guard(app, { ...options, sessions })
  app.addHook('onResponse', async (request, reply) => {
    const seconds = reply.elapsedTime / 1000
    const facts = { method: request.method, route: request.routeOptions.url ?? '', status: reply.statusCode, seconds }
    onAnswer?.(facts)
    log.debug(facts, 'answered')
  })
  app.setErrorHandler((error, request, reply) => {
    const told = problemOf(error)
    if (told.reason === 'InternalError') log.error({ err: error, route: request.routeOptions.url }, 'a request failed')
    return sendProblem(reply, told)
  })
  const answerUnknown = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const methods = methodsOf(request.url.replace(/\?.*$/s, ''))
    if (methods.length === 0) return sendProblem(reply, problem('NotFound'))
    return sendProblem(reply.header('allow', methods.join(', ')), problem('MethodNotAllowed'))
  }
  // before a body is asked for that nobody will read
  app.addHook('onRequest', async (request, reply) => {
    if (request.is404) await answerUnknown(request, reply)
  })
  app.setNotFoundHandler(answerUnknown)

  for (const schema of sharedSchemas) app.addSchema(schema)
  void app.register(fastifySwagger, openApi(options.version))
  void app.register(processRoutes, options)
  void app.register(overviewRoutes, options)
  void app.register(sourceRoutes, options)
  void app.register(commitRoutes, options)
  void app.register(planRoutes, options)
  void app.register(sourceChangeRoutes, options)
  void app.register(releaseRoutes, options)
  void app.register(releaseLookRoutes, options)
  void app.register(releaseChangeRoutes, options)
  void app.register(jobRoutes, options)
  void app.register(explainRoutes, options)
  void app.register(objectRoutes, options)
  void app.register(workloadRoutes, options)
  void app.register(imageRoutes, options)
  void app.register(updateRoutes, options)
  void app.register(answerRoutes, options)
  void app.register(eventRoutes, options)
  void app.register(historyRoutes, options)
  void app.register(sinkRoutes, options)
  void app.register(hookRoutes, options)
  void app.register(registryHookRoutes, options)
  void app.register(fluxRoutes, { ...options, prefix: '/api/flux' })
  const { frontPage, board } = options
  void app.register(browserLinkRoutes, { sessions })
  if (frontPage) void app.register(frontPageRoutes, { ...options, frontPage, sessions })
  if (board) void app.register(boardRoutes, { prefix: '/queues', board, ...(frontPage ? { frontPage } : {}) })
  return app
}

/** Only /metrics, for a listener of their own. */
export function createMetricsApp({ metrics }: { metrics: MetricsText }): FastifyInstance {
  const app = createBareApp()
  app.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await metrics()
    return reply.type(contentType).send(text)
  })
  return app
}

/** Probes, for a process that serves no API; with /metrics unless those have a listener of their own. */
export function createProbeApp(options: { ready: () => Promise<boolean>; metrics?: MetricsText }): FastifyInstance {
  const { ready, metrics } = options
  const app = metrics ? createMetricsApp({ metrics }) : createBareApp()
  app.get('/healthz', async () => 'OK')
  app.get('/readyz', async (_request, reply) => {
    const ok = await ready()
    return reply.code(ok ? 200 : 503).send({ ready: ok })
  })
  return app
}

function createBareApp(): FastifyInstance {
  return fastify({ logger: false, forceCloseConnections: true, bodyLimit: 1, http: { maxHeaderSize } })
}
