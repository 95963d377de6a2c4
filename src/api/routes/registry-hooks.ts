import { createHmac } from 'node:crypto'
import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { PushedImage } from '../../domain/image/notification.ts'
import { readRegistryPush } from '../../domain/image/registry-push.ts'
import { deliveryOf } from '../../domain/source/push-event.ts'
import type { WorkRequest } from '../../domain/work/job.ts'
import type { AppOptions } from '../app-options.ts'
import { isSame } from '../auth.ts'
import { JobsAccepted } from '../contract/job.ts'
import { ref } from '../contract/ref.ts'
import { createDeliveries } from '../deliveries.ts'
import { isProven } from '../hook-proof.ts'
import { problemAnswers } from '../openapi.ts'
import { problem, sendProblem } from '../problem.ts'
import { createRateLimit } from '../rate-limit.ts'

const bodyLimit = 1024 * 1024
/** For each address, proven or not; a registry sends the pushes of all its repositories from a few addresses. */
const callsPerMinute = 600
/** For each repository, of proven calls. */
const pushesPerMinute = 60

/**
 * What a registry that can neither sign nor send a header must know: it stands at the end of the URL. Made from the webhook secret,
 * which it does not tell.
 */
export function imageHookKey(secret: string): string {
  return createHmac('sha256', secret).update('images').digest('hex')
}

/**
 * Webhooks of image registries. They need no token, the proof is. A push only names a repository: its own scan asks the registry what
 * is there, if a workload uses it at all.
 */
export const registryHookRoutes: FastifyPluginAsyncTypebox<
  Pick<AppOptions, 'views' | 'enqueue' | 'webhookSecret' | 'now' | 'deliveries'>
> = async (app, { views, enqueue, webhookSecret, now, deliveries: store }) => {
  const clock = (): number => now().getTime()
  const mayCall = createRateLimit(callsPerMinute, clock)
  const scan = createScan({ views, enqueue, store, clock })
  // the bytes as they came: nothing is parsed before the proof holds
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (_request, body, done) => done(null, body))

  const limit = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (!mayCall(request.ip)) await sendProblem(reply, problem('TooManyRequests'))
  }

  async function answer({ headers, body }: FastifyRequest, reply: FastifyReply, isKnown: boolean): Promise<unknown> {
    const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0)
    if (!isKnown && !isProven(headers, bytes, { secret: webhookSecret(), now: clock() })) {
      return sendProblem(reply, {
        ...problem('Unauthorized', 'The signature, header or key is missing or wrong.'),
        unblock: 'Give the registry the webhook secret, or the URL with the key that is made from it.',
      })
    }
    const images = readRegistryPush(bytes)
    if (!images)
      return sendProblem(reply, problem('InvalidRequest', 'The body is no webhook of a registry that is known.'))
    const jobIds = await scan(images, deliveryOf(headers))
    if (jobIds) return reply.code(202).send({ jobIds })
    return sendProblem(reply, problem('TooManyRequests', 'Too many pushes to this repository.'))
  }

  const about = {
    security: [],
    tags: ['hooks'],
    response: { 202: ref(JobsAccepted), ...problemAnswers },
  }

  app.post(
    '/hooks/v1/images/push',
    {
      bodyLimit,
      config: { open: true },
      schema: {
        ...about,
        operationId: 'imagePushHook',
        description:
          "An image was pushed: a webhook of distribution, GHCR, Harbor, ACR or ECR. Proved by the signature of a forge (X-Hub-Signature-256, X-Capstan-Signature-256) or by the webhook secret in the header Authorization, as it is or after 'Bearer '.",
      },
      onRequest: limit,
    },
    (request, reply) => answer(request, reply, hasSecret(request.headers.authorization, webhookSecret())),
  )

  app.post(
    '/hooks/v1/images/push/:key',
    {
      bodyLimit,
      config: { open: true },
      schema: {
        ...about,
        operationId: 'imagePushHookWithKey',
        description:
          'The same for registries that can only be given a URL, such as Docker Hub and Quay. The key is HMAC-SHA256 of the word `images` by the webhook secret, in hex.',
        params: Type.Object({ key: Type.String({ maxLength: 128 }) }),
      },
      onRequest: limit,
    },
    (request, reply) => {
      const secret = webhookSecret()
      return answer(request, reply, secret !== '' && isSame(request.params.key, imageHookKey(secret)))
    },
  )
}

type Scan = (images: readonly PushedImage[], delivery: string | undefined) => Promise<string[] | undefined>

/** Scans what was pushed, unless this very delivery was worked on before. Undefined when it is too often. */
function createScan({
  views,
  enqueue,
  store,
  clock,
}: Pick<AppOptions, 'views' | 'enqueue'> & { store: AppOptions['deliveries']; clock: () => number }): Scan {
  const mayPush = createRateLimit(pushesPerMinute, clock)
  const deliveries = createDeliveries(store, clock)

  return async (images, delivery) => {
    const id = delivery === undefined ? undefined : `images ${delivery}`
    if (!views.does('images') || (id !== undefined && (await deliveries.has(id)))) return []
    const asked = images.filter(({ name }) => mayPush(name))
    if (asked.length === 0 && images.length > 0) return undefined
    const jobs = await Promise.all(asked.map((image) => enqueue(scanOf(image))))
    if (id !== undefined) deliveries.add(id)
    return jobs.map(({ jobId }) => jobId)
  }
}

/** The work that follows a push: of that repository and no other. */
export function scanOf({ name, tag }: PushedImage): WorkRequest {
  return { kind: 'scan-image', namespace: '', name, reason: tag ? `push of tag ${tag}` : 'push', lane: 'webhook' }
}

/** Harbor sends the words that it was given; others put `Bearer` before them. */
function hasSecret(authorization: string | undefined, secret: string): boolean {
  return secret !== '' && authorization !== undefined && isSame(authorization.replace(/^Bearer +/i, ''), secret)
}
