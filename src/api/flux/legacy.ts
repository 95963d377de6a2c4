import type { FastifyInstance, FastifyRequest } from 'fastify'
import { noRoute } from './errors.ts'
import { readCause, readImageSpec, readPolicies, type Wanted } from './read-update.ts'
import { bodyOf, listsOf, sendJson } from './wire.ts'

/** Asks for an update in the name of who sent the request, and gives the id of the job. */
export type Ask = (wanted: Wanted, request: Pick<FastifyRequest, 'caller'>) => Promise<string>

/** What older clients ask in place of `v9/update-manifests` (flux-v1 §23). */
export function addLegacyWrites(app: Pick<FastifyInstance, 'post' | 'patch'>, ask: Ask) {
  app.post('/v6/update-images', async (request, reply) => {
    const { service, image, kind, exclude = [], ...rest } = listsOf(request)
    if (!service || !image || !kind) throw noRoute('/api/flux/v6/update-images without service, image and kind')
    const spec = readImageSpec({ ServiceSpecs: service, ImageSpec: image[0], Kind: kind[0], Excludes: exclude })
    return sendJson(reply, await ask({ type: 'image', cause: causeIn(rest), spec }, request))
  })
  app.patch('/v6/policies', async (request, reply) => {
    const spec = readPolicies(bodyOf(request))
    return sendJson(reply, await ask({ type: 'policy', cause: causeIn(listsOf(request)), spec }, request))
  })
}

function causeIn({ user, message }: Record<string, string[]>): Wanted['cause'] {
  return readCause({ User: user?.[0], Message: message?.[0] })
}
