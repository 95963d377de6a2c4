import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import type { FastifyReply } from 'fastify'
import type { RequestAsk } from '../../domain/work/request.ts'
import type { AppOptions } from '../app-options.ts'
import { askFor } from '../ask-for.ts'
import { ReplayRequest, SinkList } from '../contract/event.ts'
import { Accepted } from '../contract/job.ts'
import { ref } from '../contract/ref.ts'
import { problemAnswers } from '../openapi.ts'
import { problem, sendProblem } from '../problem.ts'
import { askerBody, mayLeaveOutBody, whoAsks } from '../who-asks.ts'

const SinkName = Type.Object({ name: Type.String({ maxLength: 63 }) })
const tags = ['events']

type Options = Pick<AppOptions, 'views' | 'requests' | 'enqueue'>

/** Where events are sent: how it goes, try one, send it the past again. */
export const sinkRoutes: FastifyPluginAsyncTypebox<Options> = async (app, options) => {
  const { sinks } = options.views

  app.get(
    '/api/v1/sinks',
    { schema: { operationId: 'listSinks', tags, response: { 200: ref(SinkList), ...problemAnswers } } },
    async () => ({ sinks: await sinks.list() }),
  )

  app.post(
    '/api/v1/sinks/:name/test',
    {
      schema: {
        operationId: 'testSink',
        description: 'Sends a test, once; the job named says whether it was taken.',
        tags,
        params: SinkName,
        body: askerBody,
        response: { 202: ref(Accepted), ...problemAnswers },
      },
      preValidation: mayLeaveOutBody,
    },
    async ({ params: { name }, body }, reply) =>
      await ask(name, { by: whoAsks(body), ask: { kind: 'deliver-event', change: 'test' } }, reply),
  )

  app.post(
    '/api/v1/sinks/:name/replay',
    {
      schema: {
        operationId: 'replaySink',
        description: 'Sends again what was told since then, and goes on from there.',
        tags,
        params: SinkName,
        body: ref(ReplayRequest),
        response: { 202: ref(Accepted), ...problemAnswers },
      },
    },
    async ({ params: { name }, body }, reply) => {
      const { since } = body
      return await ask(name, { by: whoAsks(body), ask: { kind: 'deliver-event', change: 'replay', since } }, reply)
    },
  )

  async function ask(
    name: string,
    wanted: { by: string; ask: RequestAsk },
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    if (!sinks.names.includes(name)) return sendProblem(reply, problem('NotFound', `There is no sink ${name}.`))
    const { jobId, at } = await askFor({ of: { namespace: sinks.namespace, name }, ...wanted }, options)
    return reply.code(202).send({ jobId, requestedAt: at })
  }
}
