import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { ObjectRow } from '../../views/objects.ts'
import type { AppOptions } from '../app-options.ts'
import { ref } from '../contract/ref.ts'
import { ObjectQuery, OwnedObjectList } from '../contract/workload.ts'
import { problemAnswers } from '../openapi.ts'
import { orderOf, pageOf } from '../page.ts'

const orders = {
  id: ({ id, apiVersion, source }: ObjectRow) => [id, apiVersion, source],
  kind: ({ kind, id, apiVersion, source }: ObjectRow) => [kind, id, apiVersion, source],
  file: ({ file, id, apiVersion, source }: ObjectRow) => [file, id, apiVersion, source],
}

/** What sources own, out of their inventories. */
export const objectRoutes: FastifyPluginAsyncTypebox<Pick<AppOptions, 'views'>> = async (app, { views }) => {
  app.get(
    '/api/v1/objects',
    {
      schema: {
        operationId: 'listObjects',
        description: 'Objects that sources own, with the file in git that has them.',
        tags: ['sources'],
        querystring: ObjectQuery,
        response: { 200: ref(OwnedObjectList), ...problemAnswers },
      },
    },
    async ({ query }) => {
      const { objects, notes } = await views.objects()
      const rows = objects.filter((row) => isWanted(row, query))
      const { items, next } = pageOf(rows, query, orderOf(query.sort, orders))
      return { objects: items, next, notes }
    },
  )
}

function isWanted(row: ObjectRow, query: ObjectQuery): boolean {
  const [namespace = ''] = row.source.split('/', 1)
  if (query.namespace && !query.namespace.includes(namespace)) return false
  if (query.in !== undefined && row.namespace !== query.in) return false
  if (query.kind !== undefined && row.kind !== query.kind) return false
  return (query.applied === undefined || row.applied === query.applied) && row.name.includes(query.name ?? '')
}
