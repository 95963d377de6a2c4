import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { rightsToSeeWhole } from '../../domain/access/right.ts'
import { reachOf } from '../../domain/source/proposal.ts'
import type { RequestAsk } from '../../domain/work/request.ts'
import type { AppOptions } from '../app-options.ts'
import { type Asked, askForSource } from '../ask-for.ts'
import { Accepted } from '../contract/job.ts'
import {
  ApproveRequest,
  mostUploadBytes,
  Plan,
  PlanAccepted,
  PlanQuery,
  PlanRequest,
  SuspendRequest,
} from '../contract/plan.ts'
import { ObjectName } from '../contract/object-name.ts'
import { ref } from '../contract/ref.ts'
import { problemAnswers } from '../openapi.ts'
import { problem, sendProblem } from '../problem.ts'
import { askerBody, mayLeaveOutBody, whoAsks } from '../who-asks.ts'

const PlanName = Type.Object({ id: Type.String({ maxLength: 64 }) })
const tags = ['sources']
const archives = ['application/x-tar', 'application/gzip']
const archive = { description: 'A tar archive of the checkout: regular files only, at most 10 MB.' }

type Options = Pick<AppOptions, 'views' | 'enqueue' | 'requests'>
type Name = Asked['of']

/** Plans before changes: asked for as a request with arguments (W1), read when a worker has made them. */
export const planRoutes: FastifyPluginAsyncTypebox<Options> = async (app, options) => {
  const { requests } = options
  app.removeContentTypeParser('text/plain')
  app.addContentTypeParser(archives, { parseAs: 'buffer', bodyLimit: mostUploadBytes }, (_request, body, done) =>
    done(null, body),
  )

  app.post(
    '/api/v1/sources/:namespace/:name/plans',
    {
      schema: {
        operationId: 'planSource',
        description:
          'Asks what a sync would do, of a revision or of an uploaded folder (a tar archive, at most 10 MB).',
        tags,
        params: ObjectName,
        querystring: PlanQuery,
        body: {
          content: {
            'application/json': { schema: ref(PlanRequest) },
            'application/x-tar': { schema: archive },
            'application/gzip': { schema: archive },
          },
        },
        response: { 202: ref(PlanAccepted), ...problemAnswers },
      },
      preValidation: mayLeaveOutBody,
    },
    async ({ params, query, body, may }, reply) => {
      const files = Buffer.isBuffer(body) ? body : undefined
      const asked: PlanRequest = files ? query : (body as PlanRequest)
      const wanted: RequestAsk = {
        kind: 'plan-source',
        ref: asked.ref ?? '',
        files: files !== undefined,
        full: asked.full ?? query.full ?? false,
        ...(files || asked.ref !== undefined ? await seenWhole(params, options, may) : {}),
      }
      const made = await askForSource({ of: params, by: whoAsks(asked), ask: wanted, files }, options)
      return made
        ? reply.code(202).send({ job: made.jobId, plan: made.id, requestedAt: made.at })
        : noSource(params, options, reply)
    },
  )

  app.get(
    '/api/v1/plans/:id',
    { schema: { operationId: 'getPlan', tags, params: PlanName, response: { 200: ref(Plan), ...problemAnswers } } },
    async ({ params: { id } }, reply) => {
      const plan = await requests.plan(id)
      return plan ?? sendProblem(reply, problem('NotFound', `There is no plan ${id} (any more).`))
    },
  )
}

/** Where the caller may see objects whole, as far as a plan of this source takes it. */
async function seenWhole(
  { namespace, name }: Name,
  { views }: Pick<Options, 'views'>,
  may: FastifyRequest['may'],
): Promise<{ seen?: string }> {
  const source = views.sourceSpecs().find((spec) => spec.namespace === namespace && spec.name === name)
  if (!source) return {}
  const seen = reachOf(source)
  const answers = await Promise.all(rightsToSeeWhole(seen).map(may))
  return answers.every(Boolean) ? { seen } : {}
}

/** Changes of how a source is treated: approval of held deletions, suspend and resume. */
export const sourceChangeRoutes: FastifyPluginAsyncTypebox<Options> = async (app, options) => {
  app.post(
    '/api/v1/sources/:namespace/:name/approve',
    { schema: changeSchema('approveSource', 'Lets the held deletions of one commit go.', ref(ApproveRequest)) },
    async ({ params, body }, reply) => {
      const ask = { kind: 'change-source', change: 'approve', commit: body.commit } as const
      return await change({ of: params, by: whoAsks(body), ask }, options, reply)
    },
  )

  app.post(
    '/api/v1/sources/:namespace/:name/suspend',
    {
      schema: changeSchema('suspendSource', 'Stops syncing until somebody resumes it.', ref(SuspendRequest)),
      preValidation: mayLeaveOutBody,
    },
    async ({ params, body }, reply) => {
      const ask = { kind: 'change-source', change: 'suspend', why: body.why ?? '' } as const
      return await change({ of: params, by: whoAsks(body), ask }, options, reply)
    },
  )

  app.post(
    '/api/v1/sources/:namespace/:name/resume',
    {
      schema: changeSchema('resumeSource', 'Goes on with syncing, now.', askerBody),
      preValidation: mayLeaveOutBody,
    },
    async ({ params, body }, reply) => {
      const ask = { kind: 'change-source', change: 'resume' } as const
      return await change({ of: params, by: whoAsks(body), ask }, options, reply)
    },
  )
}

function changeSchema<Body>(operationId: string, description: string, body: Body) {
  return {
    operationId,
    description: `${description} The job named does it; its result names the one that syncs.`,
    tags,
    params: ObjectName,
    body,
    response: { 202: ref(Accepted), ...problemAnswers },
  }
}

async function change(asked: Asked, options: Options, reply: FastifyReply): Promise<FastifyReply> {
  const made = await askForSource(asked, options)
  return made ? reply.code(202).send({ jobId: made.jobId, requestedAt: made.at }) : noSource(asked.of, options, reply)
}

function noSource({ namespace, name }: Name, { views }: Pick<Options, 'views'>, reply: FastifyReply): FastifyReply {
  return sendProblem(reply, problem('NotFound', views.noSource(namespace, name)))
}
