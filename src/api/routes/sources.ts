import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import type { AppOptions } from '../app-options.ts'
import { Accepted } from '../contract/job.ts'
import { ObjectName } from '../contract/object-name.ts'
import { ref } from '../contract/ref.ts'
import { Source, SourceList, SourceQuery } from '../contract/status.ts'
import { isWanted } from '../is-wanted.ts'
import { problemAnswers } from '../openapi.ts'
import { orderOf, pageOf } from '../page.ts'
import { problem, sendProblem } from '../problem.ts'
import { askerBody, mayLeaveOutBody, whoAsks } from '../who-asks.ts'

const tags = ['sources']

const orders = {
  name: ({ namespace, name }: Source) => [namespace, name],
  ready: ({ ready, namespace, name }: Source) => [String(ready), namespace, name],
  changed: ({ changedAt, namespace, name }: Source) => [changedAt, namespace, name],
}

/** Git repositories: read them, ask for a sync. */
export const sourceRoutes: FastifyPluginAsyncTypebox<Pick<AppOptions, 'views' | 'enqueue' | 'now'>> = async (
  app,
  { views, enqueue, now },
) => {
  app.get(
    '/api/v1/sources',
    {
      schema: {
        operationId: 'listSources',
        tags,
        querystring: SourceQuery,
        response: { 200: ref(SourceList), ...problemAnswers },
      },
    },
    async ({ query }) => {
      const rows = (await views.sources()).filter((row) => isWanted(row, query))
      const { items, next } = pageOf(rows, query, orderOf(query.sort, orders))
      return { sources: items, next }
    },
  )

  app.get(
    '/api/v1/sources/:namespace/:name',
    {
      schema: { operationId: 'getSource', tags, params: ObjectName, response: { 200: ref(Source), ...problemAnswers } },
    },
    async ({ params: { namespace, name } }, reply) => {
      const source = await views.source(namespace, name)
      return source ?? sendProblem(reply, problem('NotFound', views.noSource(namespace, name)))
    },
  )

  app.post(
    '/api/v1/sources/:namespace/:name/sync',
    {
      schema: {
        operationId: 'syncSource',
        description:
          'Fetch now, then reconcile, also at an unchanged head. The job named fetches; its result names the one that applies.',
        tags,
        params: ObjectName,
        body: askerBody,
        response: { 202: ref(Accepted), ...problemAnswers },
      },
      preValidation: mayLeaveOutBody,
    },
    async ({ params: { namespace, name }, body }, reply) => {
      if (!views.sourceSpecs().some((spec) => spec.namespace === namespace && spec.name === name)) {
        return sendProblem(reply, problem('NotFound', views.noSource(namespace, name)))
      }
      const requestedAt = now().toISOString()
      const reason = `requested by ${whoAsks(body)}`
      const { jobId } = await enqueue({ kind: 'fetch-source', namespace, name, reason, lane: 'person' })
      return reply.code(202).send({ jobId, requestedAt })
    },
  )

  app.post(
    '/api/v1/sync-git',
    {
      config: { openOnLoopback: true },
      schema: {
        operationId: 'syncGit',
        description: "The Helm Operator's: fetch every source and look at every release again (helm-operator §7).",
        tags,
        response: {
          200: { description: 'OK', content: { 'text/plain': { schema: Type.Literal('OK') } } },
          ...problemAnswers,
        },
      },
    },
    async () => {
      const reason = 'requested by sync-git'
      for (const { namespace, name } of views.sourceSpecs()) {
        await enqueue({ kind: 'fetch-source', namespace, name, reason, lane: 'webhook' })
      }
      if (views.does('releases')) {
        await enqueue({ kind: 'resync', namespace: '', name: 'releases', reason, lane: 'webhook' })
      }
      return 'OK' as const
    },
  )
}
