import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import type { AppOptions } from '../app-options.ts'
import { JobsAccepted } from '../contract/job.ts'
import { ref } from '../contract/ref.ts'
import { problemAnswers } from '../openapi.ts'
import { problem, sendProblem } from '../problem.ts'
import { createRateLimit } from '../rate-limit.ts'
import { isSigned } from '../signature.ts'

const bodyLimit = 1024 * 1024
/** For each address; a repository is pushed to less often. */
const callsPerMinute = 120

/** Signed push webhooks: they need no token, the signature of the body is the proof (W34). */
export const hookRoutes: FastifyPluginAsyncTypebox<
  Pick<AppOptions, 'views' | 'enqueue' | 'webhookSecret' | 'now'>
> = async (app, { views, enqueue, webhookSecret, now }) => {
  const mayCall = createRateLimit(callsPerMinute, () => now().getTime())
  // the bytes as they came: nothing is parsed before the signature holds, and nothing afterwards
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (_request, body, done) => done(null, body))

  app.post(
    '/hooks/v1/:source',
    {
      bodyLimit,
      config: { open: true },
      schema: {
        operationId: 'pushHook',
        description:
          'A push happened. X-Capstan-Signature-256 (or X-Hub-Signature-256): sha256=<HMAC-SHA256 of the body, hex>.',
        security: [],
        tags: ['hooks'],
        params: Type.Object({ source: Type.String({ maxLength: 253 }) }),
        response: { 202: ref(JobsAccepted), ...problemAnswers },
      },
      onRequest: async (request, reply) => {
        if (!mayCall(request.ip)) await sendProblem(reply, problem('TooManyRequests'))
      },
    },
    async ({ params, headers, body }, reply) => {
      const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0)
      const signature = headers['x-capstan-signature-256'] ?? headers['x-hub-signature-256']
      if (!isSigned(bytes, typeof signature === 'string' ? signature : undefined, webhookSecret())) {
        return sendProblem(reply, {
          ...problem('Unauthorized', 'The signature is missing or wrong.'),
          unblock: 'Sign the body with the webhook secret.',
        })
      }
      const named = views.sourceSpecs().filter(({ name }) => name === params.source)
      if (named.length === 0) return sendProblem(reply, problem('NotFound', 'There is no source of that name.'))
      const jobIds: string[] = []
      for (const { namespace, name } of named) {
        const { jobId } = await enqueue({ kind: 'fetch-source', namespace, name, reason: 'push', lane: 'webhook' })
        jobIds.push(jobId)
      }
      return reply.code(202).send({ jobIds })
    },
  )
}
