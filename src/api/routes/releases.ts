import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { AppOptions } from '../app-options.ts'
import { Accepted } from '../contract/job.ts'
import { ObjectName } from '../contract/object-name.ts'
import { ref } from '../contract/ref.ts'
import { Release, ReleaseList, ReleaseQuery } from '../contract/status.ts'
import { isWanted } from '../is-wanted.ts'
import { problemAnswers } from '../openapi.ts'
import { orderOf, pageOf } from '../page.ts'
import { problem, sendProblem } from '../problem.ts'
import { askerBody, mayLeaveOutBody, whoAsks } from '../who-asks.ts'

const tags = ['releases']

const orders = {
  name: ({ namespace, name }: Release) => [namespace, name],
  ready: ({ ready, namespace, name }: Release) => [String(ready), namespace, name],
  state: ({ state, namespace, name }: Release) => [state, namespace, name],
  chart: ({ chart, namespace, name }: Release) => [chart, namespace, name],
}

/** HelmReleases: read them, ask for one to be worked on. */
export const releaseRoutes: FastifyPluginAsyncTypebox<Pick<AppOptions, 'views' | 'enqueue' | 'now'>> = async (
  app,
  { views, enqueue, now },
) => {
  app.get(
    '/api/v1/releases',
    {
      schema: {
        operationId: 'listReleases',
        tags,
        querystring: ReleaseQuery,
        response: { 200: ref(ReleaseList), ...problemAnswers },
      },
    },
    async ({ query }) => {
      const { releases, observedAt } = await views.releases()
      const rows = releases.filter((row) => isWanted(row, query))
      const { items, next } = pageOf(rows, query, orderOf(query.sort, orders))
      return { releases: items, next, observedAt }
    },
  )

  app.get(
    '/api/v1/releases/:namespace/:name',
    {
      schema: {
        operationId: 'getRelease',
        tags,
        params: ObjectName,
        response: { 200: ref(Release), ...problemAnswers },
      },
    },
    async ({ params: { namespace, name } }, reply) => {
      const release = await views.release(namespace, name)
      return release ?? sendProblem(reply, problem('NotFound', `There is no release ${namespace}/${name}.`))
    },
  )

  app.post(
    '/api/v1/releases/:namespace/:name/sync',
    {
      schema: {
        operationId: 'syncRelease',
        tags,
        params: ObjectName,
        body: askerBody,
        response: { 202: ref(Accepted), ...problemAnswers },
      },
      preValidation: mayLeaveOutBody,
    },
    async ({ params: { namespace, name }, body }, reply) => {
      if (!(await views.release(namespace, name))) {
        return sendProblem(reply, problem('NotFound', `There is no release ${namespace}/${name}.`))
      }
      const requestedAt = now().toISOString()
      const reason = `requested by ${whoAsks(body)}`
      const { jobId } = await enqueue({ kind: 'sync-release', namespace, name, reason, lane: 'person' })
      return reply.code(202).send({ jobId, requestedAt })
    },
  )
}
