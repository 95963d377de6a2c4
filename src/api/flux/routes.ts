import type { FastifyPluginAsync } from 'fastify'
import { AppError } from '../../domain/error.ts'
import { printObjects } from '../../domain/manifest/print-objects.ts'
import type { Caller } from '../access/caller.ts'
import type { AppOptions } from '../app-options.ts'
import { badRequest, deprecated, noRoute, sendFluxError, sendRefusal } from './errors.ts'
import { gitConfig, publicKey } from './git-config.ts'
import { listImages } from './images.ts'
import { jobStatus } from './job-status.ts'
import { addLegacyWrites, type Ask } from './legacy.ts'
import { workOf } from './notify.ts'
import { readUpdate, type Wanted } from './read-update.ts'
import { syncStatus } from './sync-status.ts'
import { askForUpdate } from './update.ts'
import { bodyOf, queryOf, sendJson } from './wire.ts'
import { listServices } from './workloads.ts'

type Options = Pick<AppOptions, 'views' | 'enqueue' | 'requests' | 'version' | 'identity' | 'renewIdentity'>

/**
 * What fluxctl 1.25 and older side-cars ask (flux-v1 §23), below `/api/flux`: bodies without a content type, errors in fluxd's form, no
 * redirects. On a pod's loopback it needs no token, which fluxctl's port-forward could not send (ruling 3).
 */
export const fluxRoutes: FastifyPluginAsync<Options> = async (app, options) => {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, openOnLoopback: true, refuse: sendRefusal }
    route.schema = { ...route.schema, hide: true }
  })
  app.setErrorHandler((error, request, reply) => sendFluxError(request, reply, error))
  addReads(app, options)
  addWrites(app, options)
  for (const version of ['v1', 'v2', 'v3', 'v4', 'v5']) {
    app.all(`/${version}/*`, () => {
      throw deprecated()
    })
  }
  app.all('/*', (request) => {
    throw noRoute(request.url.replace(/\?.*$/, ''))
  })
}

type App = Parameters<typeof fluxRoutes>[0]

function addReads(app: App, options: Options): void {
  const { views } = options
  app.get('/v11/ping', async (_request, reply) => {
    const { cluster } = await views.readiness()
    if (!cluster.reachable) throw new AppError('ClusterUnavailable', cluster.message)
    return reply.code(204).send()
  })
  app.get('/v11/version', async (_request, reply) => sendJson(reply, options.version))
  for (const path of ['/v6/services', '/v11/services'])
    app.get(path, async (request, reply) => sendJson(reply, await listServices(queryOf(request), views)))
  for (const path of ['/v6/images', '/v10/images', '/v11/images'])
    app.get(path, async (request, reply) => sendJson(reply, await listImages(queryOf(request), options)))
  app.get('/v6/jobs', async (request, reply) => {
    const { id = '' } = queryOf(request)
    return sendJson(reply, await jobStatus(id, options))
  })
  app.get('/v6/sync', async (request, reply) => {
    const { ref = '' } = queryOf(request)
    return sendJson(reply, await syncStatus(ref, options))
  })
  app.get('/v6/export', async (_request, reply) => {
    const text = printObjects(await views.workloadObjects())
    return sendJson(reply, Buffer.from(text).toString('base64'))
  })
  app.get('/v6/identity.pub', async (_request, reply) => sendJson(reply, await publicKey(options)))
}

function addWrites(app: App, options: Options): void {
  app.post('/v11/notify', async (request, reply) => {
    for (const work of workOf(bodyOf(request), options.views)) await options.enqueue(work)
    return reply.code(202).send()
  })
  const ask: Ask = async (wanted, { caller }) => await askForUpdate(asProved(wanted, caller), options)
  app.post('/v9/update-manifests', async (request, reply) =>
    sendJson(reply, await ask(readUpdate(bodyOf(request)), request)),
  )
  addLegacyWrites(app, ask)
  app.post('/v9/git-repo-config', async (request, reply) => {
    const regenerate = bodyOf(request)
    if (typeof regenerate !== 'boolean') throw badRequest('the body is not true or false')
    return sendJson(reply, await gitConfig(regenerate, options))
  })
  app.post('/v6/identity.pub', async (_request, reply) => {
    await gitConfig(true, options)
    return reply.code(204).send()
  })
}

/** Whom the cluster knows is named so, whatever the client claims (W1). */
function asProved<W extends Wanted>(wanted: W, caller: Caller): W {
  return caller.kind === 'user' ? { ...wanted, cause: { ...wanted.cause, User: caller.user.username } } : wanted
}
