import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { AppOptions } from '../app-options.ts'
import { Explanation, ExplainQuery } from '../contract/explain.ts'
import { ref } from '../contract/ref.ts'
import { problemAnswers } from '../openapi.ts'
import { problem, sendProblem } from '../problem.ts'

/** Why something is not deployed. */
export const explainRoutes: FastifyPluginAsyncTypebox<Pick<AppOptions, 'views'>> = async (app, { views }) => {
  app.get(
    '/api/v1/explain',
    {
      schema: {
        operationId: 'explain',
        description:
          'The way of a workload, release, source, image or commit, step by step, and the first cause that stops it. 404 names what is near.',
        tags: ['explain'],
        querystring: ExplainQuery,
        response: { 200: ref(Explanation), ...problemAnswers },
      },
    },
    async ({ query: { subject, namespace = '' }, may }, reply) => {
      const found = await views.explain(
        subject,
        namespace,
        async (resource, where) => await may({ verb: 'get', resource, namespace: where }),
      )
      // what is near may be where the caller may not look
      const maySeeAll = 'steps' in found || (await may({ verb: 'get', resource: 'workloads', namespace: '' }))
      if (!maySeeAll) return sendProblem(reply, problem('NotFound', `There is no ${subject} where you may look.`))
      if ('none' in found) return sendProblem(reply, problem('NotFound', found.none))
      return 'several' in found ? sendProblem(reply, problem('InvalidRequest', found.several)) : found
    },
  )
}
