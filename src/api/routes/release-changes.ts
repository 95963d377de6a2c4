import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply } from 'fastify'
import type { AppOptions } from '../app-options.ts'
import { type Asked, askFor, type Made } from '../ask-for.ts'
import { Accepted } from '../contract/job.ts'
import { PlanAccepted, SuspendRequest } from '../contract/plan.ts'
import { ObjectName } from '../contract/object-name.ts'
import { ref } from '../contract/ref.ts'
import { ReleaseHistory, ReleasePlanRequest, RollbackRequest } from '../contract/release.ts'
import { problemAnswers } from '../openapi.ts'
import { problem, sendProblem } from '../problem.ts'
import { askerBody, mayLeaveOutBody, whoAsks } from '../who-asks.ts'

const tags = ['releases']
const base = '/api/v1/releases/:namespace/:name'

type Options = Pick<AppOptions, 'views' | 'enqueue' | 'requests'>
type Name = Asked['of']

/** What helm stored of a release, and what it would do next. */
export const releaseLookRoutes: FastifyPluginAsyncTypebox<Options> = async (app, options) => {
  const { views } = options

  app.get(
    `${base}/history`,
    {
      schema: {
        operationId: 'releaseHistory',
        tags,
        params: ObjectName,
        response: { 200: ref(ReleaseHistory), ...problemAnswers },
      },
    },
    async ({ params }, reply) =>
      (await views.releaseHistory(params.namespace, params.name)) ?? noRelease(params, reply),
  )

  app.post(
    `${base}/plans`,
    {
      schema: {
        operationId: 'planRelease',
        description:
          'Asks what the next install or upgrade would change, or where each value comes from. Secrets are masked.',
        tags,
        params: ObjectName,
        body: ref(ReleasePlanRequest),
        response: { 202: ref(PlanAccepted), ...problemAnswers },
      },
      preValidation: mayLeaveOutBody,
    },
    async ({ params, body }, reply) => {
      const wanted = { kind: 'plan-release', show: body.show ?? 'changes' } as const
      const asked = { of: params, by: whoAsks(body), ask: wanted }
      return await askAnd(asked, options, reply, ({ jobId, id, at }) => ({
        job: jobId,
        plan: id,
        requestedAt: at,
      }))
    },
  )
}

/** How a release is treated; changes are requests with arguments (W1). */
export const releaseChangeRoutes: FastifyPluginAsyncTypebox<Options> = async (app, options) => {
  app.post(
    `${base}/rollback`,
    {
      schema: changeSchema(
        'rollbackRelease',
        'Goes back to a revision that helm stored, and stays there until chart or values change.',
        ref(RollbackRequest),
      ),
      preValidation: mayLeaveOutBody,
    },
    async ({ params, body }, reply) => {
      const wanted = { kind: 'change-release', change: 'rollback', revision: body.revision ?? 0 } as const
      return await askAnd({ of: params, by: whoAsks(body), ask: wanted }, options, reply, accepted)
    },
  )

  app.post(
    `${base}/suspend`,
    {
      schema: changeSchema(
        'suspendRelease',
        'Leaves the release alone until somebody resumes it.',
        ref(SuspendRequest),
      ),
      preValidation: mayLeaveOutBody,
    },
    async ({ params, body }, reply) => {
      const wanted = { kind: 'change-release', change: 'suspend', why: body.why ?? '' } as const
      return await askAnd({ of: params, by: whoAsks(body), ask: wanted }, options, reply, accepted)
    },
  )

  app.post(
    `${base}/resume`,
    {
      schema: changeSchema('resumeRelease', 'Goes on with the release, now.', askerBody),
      preValidation: mayLeaveOutBody,
    },
    async ({ params, body }, reply) => {
      const wanted = { kind: 'change-release', change: 'resume' } as const
      return await askAnd({ of: params, by: whoAsks(body), ask: wanted }, options, reply, accepted)
    },
  )
}

/** Asks for it if there is such a release, and answers. */
async function askAnd(
  asked: Asked,
  options: Options,
  reply: FastifyReply,
  answer: (made: Made) => object,
): Promise<FastifyReply> {
  const { namespace, name } = asked.of
  if (!(await options.views.release(namespace, name))) return noRelease(asked.of, reply)
  return reply.code(202).send(answer(await askFor(asked, options)))
}

function accepted({ jobId, at }: Made): Accepted {
  return { jobId, requestedAt: at }
}

function changeSchema<Body>(operationId: string, description: string, body: Body) {
  return {
    operationId,
    description: `${description} The job named does it; its result names the one that follows.`,
    tags,
    params: ObjectName,
    body,
    response: { 202: ref(Accepted), ...problemAnswers },
  }
}

function noRelease({ namespace, name }: Name, reply: FastifyReply): FastifyReply {
  return sendProblem(reply, problem('NotFound', `There is no release ${namespace}/${name}.`))
}
