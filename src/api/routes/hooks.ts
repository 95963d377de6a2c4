import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  deliveryOf,
  followsPushed,
  isFromForge,
  isSameRepository,
  readPushEvent,
} from '../../domain/source/push-event.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import type { AppOptions } from '../app-options.ts'
import { JobsAccepted } from '../contract/job.ts'
import { ref } from '../contract/ref.ts'
import { createDeliveries } from '../deliveries.ts'
import { isProven } from '../hook-proof.ts'
import { problemAnswers } from '../openapi.ts'
import { type OwnReason, problem, sendProblem } from '../problem.ts'
import { createRateLimit } from '../rate-limit.ts'

const bodyLimit = 1024 * 1024
/** For each address, proven or not; a forge sends the pushes of many repositories from a few addresses. */
const callsPerMinute = 600
/** For each source, of proven calls (hazard L5): strangers cannot use it up. */
const pushesPerMinute = 60

type Refusal = { refused: OwnReason; detail: string }

/**
 * Push webhooks of GitHub, GitLab, Gitea, Forgejo, Bitbucket and anybody who can sign (W34). They need no token, the signature is
 * the proof. A push only names a repository and what moved in it; each source that follows it is fetched from its own URL.
 */
export const hookRoutes: FastifyPluginAsyncTypebox<
  Pick<AppOptions, 'views' | 'enqueue' | 'webhookSecret' | 'now' | 'deliveries'>
> = async (app, { views, enqueue, webhookSecret, now, deliveries: store }) => {
  const clock = (): number => now().getTime()
  const mayCall = createRateLimit(callsPerMinute, clock)
  const refresh = createRefresh({ enqueue, store, clock })
  // the bytes as they came: nothing is parsed before the signature holds
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (_request, body, done) => done(null, body))

  const limit = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (!mayCall(request.ip)) await sendProblem(reply, problem('TooManyRequests'))
  }

  async function answer(
    { headers, body, url }: FastifyRequest,
    reply: FastifyReply,
    find: (bytes: Uint8Array) => readonly SourceSpec[] | Refusal,
  ): Promise<unknown> {
    const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0)
    if (!isProven(headers, bytes, { secret: webhookSecret(), now: clock() })) {
      return sendProblem(reply, {
        ...problem('Unauthorized', 'The signature or token is missing or wrong.'),
        unblock: 'Give the sender the webhook secret, and let it sign the body.',
      })
    }
    const concerned = find(bytes)
    if ('refused' in concerned) return sendProblem(reply, problem(concerned.refused, concerned.detail))
    const delivery = deliveryOf(headers)
    const jobIds = await refresh(concerned, delivery === undefined ? undefined : `${url} ${delivery}`)
    if ('refused' in jobIds) return sendProblem(reply, problem(jobIds.refused, jobIds.detail))
    return reply.code(202).send({ jobIds })
  }

  app.post(
    '/hooks/v1/:source',
    {
      bodyLimit,
      config: { open: true },
      schema: {
        operationId: 'pushHook',
        description: `Something was pushed to the repository of this source. ${howToSign}`,
        security: [],
        tags: ['hooks'],
        params: Type.Object({ source: Type.String({ maxLength: 253 }) }),
        response: { 202: ref(JobsAccepted), ...problemAnswers },
      },
      onRequest: limit,
    },
    (request, reply) =>
      answer(request, reply, (bytes) => {
        const named = views.sourceSpecs().filter(({ name }) => name === request.params.source)
        if (named.length === 0) return { refused: 'NotFound', detail: 'There is no source of that name.' }
        return isFromForge(request.headers) ? concernedOf(named, request, bytes, { byName: true }) : named
      }),
  )

  app.post(
    '/hooks/v1',
    {
      bodyLimit,
      config: { open: true },
      schema: {
        operationId: 'pushHookOfAny',
        description: `Something was pushed to the repository that the body names; every source that follows it is fetched. ${howToSign}`,
        security: [],
        tags: ['hooks'],
        response: { 202: ref(JobsAccepted), ...problemAnswers },
      },
      onRequest: limit,
    },
    (request, reply) =>
      answer(request, reply, (bytes) => concernedOf(views.sourceSpecs(), request, bytes, { byName: false })),
  )
}

type Refresh = (concerned: readonly SourceSpec[], delivery: string | undefined) => Promise<string[] | Refusal>

/** Fetches what follows the push, unless this very delivery was worked on before. */
function createRefresh({
  enqueue,
  store,
  clock,
}: Pick<AppOptions, 'enqueue'> & { store: AppOptions['deliveries']; clock: () => number }): Refresh {
  const mayPush = createRateLimit(pushesPerMinute, clock)
  const deliveries = createDeliveries(store, clock)

  return async (concerned, delivery) => {
    if (concerned.length === 0 || (delivery !== undefined && (await deliveries.has(delivery)))) return []
    const sources = concerned.filter(({ namespace, name }) => mayPush(`${namespace}/${name}`))
    if (sources.length === 0) return { refused: 'TooManyRequests', detail: 'Too many pushes to this source.' }
    const jobs = await Promise.all(
      sources.map(({ namespace, name }) =>
        enqueue({ kind: 'fetch-source', namespace, name, reason: 'push', lane: 'webhook' }),
      ),
    )
    if (delivery !== undefined) deliveries.add(delivery)
    return jobs.map(({ jobId }) => jobId)
  }
}

const howToSign =
  'X-Capstan-Signature-256 (or X-Hub-Signature-256): sha256=<HMAC-SHA256 of the body, hex>. The signatures of GitHub, Gitea, Forgejo and Bitbucket and the secret or signing token of GitLab are taken too.'

/** Sources that were named by the call need not agree about the URL: it may be a mirror, or another name of the host. */
function concernedOf(
  sources: readonly SourceSpec[],
  { headers }: Pick<FastifyRequest, 'headers'>,
  body: Uint8Array,
  { byName }: { byName: boolean },
): readonly SourceSpec[] | Refusal {
  const event = readPushEvent(headers, body)
  if (event.kind === 'nothing') return []
  if (event.kind === 'unreadable') {
    return { refused: 'InvalidRequest', detail: 'The body is not JSON that names a repository.' }
  }
  return sources.filter(
    (spec) => (byName || isSameRepository(event.pushed, spec.url)) && followsPushed(event.pushed, spec),
  )
}
