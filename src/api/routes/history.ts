import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { AppOptions } from '../app-options.ts'
import { DeploymentList, HistoryQuery } from '../contract/event.ts'
import { ref } from '../contract/ref.ts'
import { problemAnswers } from '../openapi.ts'

/** The ledger: who or what deployed what, and how it ended. */
export const historyRoutes: FastifyPluginAsyncTypebox<Pick<AppOptions, 'views'>> = async (
  app,
  { views: { history } },
) => {
  app.get(
    '/api/v1/history',
    {
      schema: {
        operationId: 'listDeployments',
        description: 'Attempts that changed something or failed, newest first.',
        tags: ['events'],
        querystring: HistoryQuery,
        response: { 200: ref(DeploymentList), ...problemAnswers },
      },
    },
    async ({ query: { about, namespace, outcome, cursor, order = 'newest', limit = 50 } }) => {
      const { items, next } = await history.deployments(
        { order, cursor, limit },
        { about, namespaces: namespace, outcome },
      )
      return { deployments: items, next }
    },
  )
}
