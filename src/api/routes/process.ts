import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import type { AppOptions } from '../app-options.ts'
import { Identity, Readiness, Version } from '../contract/process.ts'
import { ref } from '../contract/ref.ts'
import { Status, StatusQuery } from '../contract/status.ts'
import { problemAnswers } from '../openapi.ts'
import { problem, sendProblem } from '../problem.ts'

/** About this process and everything at once: probes, metrics, version, deploy key, status, the OpenAPI document. */
export const processRoutes: FastifyPluginAsyncTypebox<
  Pick<AppOptions, 'views' | 'metrics' | 'version' | 'identity'>
> = async (app, { views, metrics, version, identity }) => {
  const open = { config: { open: true } }

  app.get(
    '/healthz',
    { ...open, schema: { operationId: 'healthz', security: [], tags: ['process'] } },
    async () => 'OK',
  )

  app.get(
    '/readyz',
    {
      ...open,
      schema: {
        operationId: 'readyz',
        description:
          '200 once the cluster is reached and the start is over, until the process is told to end. Without Redis reads go on, which is told in the body.',
        security: [],
        tags: ['process'],
        response: { 200: ref(Readiness), 503: ref(Readiness) },
      },
    },
    async (_request, reply) => {
      const readiness = await views.readiness()
      return reply.code(readiness.ready ? 200 : 503).send(readiness)
    },
  )

  if (metrics) {
    const schema = { operationId: 'metrics', description: 'Prometheus text.', security: [], tags: ['process'] }
    app.get('/metrics', { ...open, schema }, async (_request, reply) => {
      const { contentType, text } = await metrics()
      return reply.type(contentType).send(text)
    })
  }

  app.get(
    '/api/v1/version',
    { schema: { operationId: 'getVersion', tags: ['process'], response: { 200: ref(Version), ...problemAnswers } } },
    async () => ({ version }),
  )

  app.get(
    '/api/v1/identity',
    {
      schema: {
        operationId: 'getIdentity',
        description: 'The public half of the deploy key, which the git server must know.',
        tags: ['process'],
        response: { 200: ref(Identity), ...problemAnswers },
      },
    },
    async (_request, reply) => {
      const found = (await identity?.()) ?? { none: 'There is no deploy key.' }
      return 'none' in found ? sendProblem(reply, problem('NotFound', found.none)) : found
    },
  )

  app.get(
    '/api/v1/status',
    {
      schema: {
        operationId: 'getStatus',
        description: 'Every source and release, and whether all is as git wants it. Up to two seconds old.',
        tags: ['status'],
        querystring: StatusQuery,
        response: { 200: ref(Status), ...problemAnswers },
      },
    },
    async ({ query: { namespace } }) => within(await views.status(), namespace),
  )

  app.get(
    '/api/v1/openapi.json',
    {
      schema: {
        operationId: 'getOpenApi',
        tags: ['process'],
        response: {
          200: Type.Object({}, { additionalProperties: true, description: 'This document.' }),
          ...problemAnswers,
        },
      },
    },
    async () => app.swagger(),
  )
}

/** The same of some namespaces alone. What could not be read (a note) leaves nothing ready. */
function within(status: Status, namespaces: readonly string[] | undefined): Status {
  if (!namespaces) return status
  const isIn = ({ namespace }: { namespace: string }): boolean => namespaces.includes(namespace)
  const [sources, releases] = [status.sources.filter(isIn), status.releases.filter(isIn)]
  const rows = [...sources, ...releases]
  const isKnown = status.notes.length === 0
  return {
    ...status,
    sources,
    releases,
    ready: (status.ready || isKnown) && rows.every(({ ready }) => ready),
    healthy: (status.healthy || isKnown) && rows.every(({ healthy }) => healthy),
  }
}
