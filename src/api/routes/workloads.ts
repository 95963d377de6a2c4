import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import { knownImages } from '../../domain/image/known-images.ts'
import { printRef, repositoryOf } from '../../domain/image/ref.ts'
import { readPolicyText } from '../../domain/image/workload.ts'
import { hasPolicy } from '../../domain/manifest/annotations.ts'
import { printObjects } from '../../domain/manifest/print-objects.ts'
import type { Views } from '../../views/create-views.ts'
import type { WorkloadRow } from '../../views/workload-rows.ts'
import type { AppOptions } from '../app-options.ts'
import { ref } from '../contract/ref.ts'
import {
  ExportQuery,
  type Workload,
  type WorkloadImages,
  WorkloadImagesList,
  WorkloadImagesQuery,
  WorkloadList,
  WorkloadQuery,
} from '../contract/workload.ts'
import { problemAnswers } from '../openapi.ts'
import { orderOf, pageOf } from '../page.ts'

const tags = ['workloads']
const usualTags = 10
const orders = {
  id: ({ id }: Workload) => [id],
  status: ({ status, id }: Workload) => [status, id],
}
const rowOrders = { id: ({ id }: WorkloadRow) => [id] }

/** What runs in the namespaces that sources may touch: workloads, their images, and all of it as YAML. */
export const workloadRoutes: FastifyPluginAsyncTypebox<Pick<AppOptions, 'views'>> = async (app, { views }) => {
  app.get(
    '/api/v1/workloads',
    {
      schema: {
        operationId: 'listWorkloads',
        description: 'Live workloads with what git says of them; read afresh.',
        tags,
        querystring: WorkloadQuery,
        response: { 200: ref(WorkloadList), ...problemAnswers },
      },
    },
    async ({ query }) => {
      const rows = (await rowsIn(query.namespace, views)).map(workloadOf).filter((one) => isWanted(one, query))
      const { items, next } = pageOf(rows, query, orderOf(query.sort, orders))
      return { workloads: items, next }
    },
  )

  app.get(
    '/api/v1/images',
    {
      schema: {
        operationId: 'listWorkloadImages',
        description: 'What is known of the images that workloads could have; no registry is asked.',
        tags: ['images'],
        querystring: WorkloadImagesQuery,
        response: { 200: ref(WorkloadImagesList), ...problemAnswers },
      },
    },
    async ({ query }) => {
      const { name = '', tags: most = usualTags } = query
      const rows = (await rowsIn(query.namespace, views)).filter(({ id }) => id.includes(name))
      const { items, next } = pageOf(rows, query, orderOf(query.sort, rowOrders))
      const repositories = await views.repositories(items.flatMap(repositoriesOf))
      return { images: items.map((row) => imagesOf(row, most, repositories)), next }
    },
  )

  app.get(
    '/api/v1/export',
    {
      schema: {
        operationId: 'exportWorkloads',
        description: 'Live workloads as YAML, behind their namespaces, as fluxctl save writes them.',
        tags,
        querystring: ExportQuery,
        response: {
          200: { description: 'YAML documents.', content: { 'application/yaml': { schema: Type.String() } } },
          ...problemAnswers,
        },
      },
    },
    async ({ query: { namespace } }, reply) => {
      const objects = await views.workloadObjects()
      const wanted = objects.filter(
        ({ kind, metadata }) =>
          namespace?.includes(kind === 'Namespace' ? metadata.name : (metadata.namespace ?? '')) ?? true,
      )
      return reply.type('application/yaml').send(printObjects(wanted))
    },
  )
}

async function rowsIn(namespaces: readonly string[] | undefined, views: Pick<Views, 'workloads'>) {
  const lists = [...new Set(namespaces ?? [''])].map(async (namespace) => await views.workloads({ namespace }))
  return (await Promise.all(lists)).flat()
}

function workloadOf(row: WorkloadRow): Workload {
  const { id, object, containers, rollout, source, antecedent, syncError, policies } = row
  const { status, ...counts } = rollout
  return {
    id,
    namespace: object.metadata.namespace ?? '',
    kind: object.kind,
    name: object.metadata.name,
    containers: containers.map(({ name, image }) => ({ name, image: printRef(image) })),
    status,
    rollout: counts,
    source: source ? `${source.namespace}/${source.name}` : '',
    release: antecedent,
    syncError,
    automated: hasPolicy(policies, 'automated'),
    locked: hasPolicy(policies, 'locked'),
    ignored: hasPolicy(policies, 'ignore'),
    policies: Object.fromEntries(policies),
  }
}

/** Those of its containers. */
function repositoriesOf({ containers, object }: WorkloadRow) {
  const namespace = object.metadata.namespace ?? ''
  return containers.map(({ image }) => ({ namespace, repository: repositoryOf(image) }))
}

function isWanted({ id, status, automated, locked }: Workload, query: WorkloadQuery): boolean {
  if (query.status !== undefined && status !== query.status) return false
  if (query.automated !== undefined && automated !== query.automated) return false
  return (query.locked === undefined || locked === query.locked) && id.includes(query.name ?? '')
}

function imagesOf(
  { id, containers, policies, object }: WorkloadRow,
  most: number,
  repositories: Awaited<ReturnType<Views['repositories']>>,
): WorkloadImages {
  return {
    id,
    containers: containers.map(({ name, image }) => {
      const policy = readPolicyText(object, policies, name)
      const known = knownImages(
        { image, policy },
        repositories({ namespace: object.metadata.namespace ?? '', repository: repositoryOf(image) }),
      )
      const { all, wanted, newer, newerFiltered, problem } = known
      return {
        name,
        image: printRef(image),
        wanted: wanted?.tag ?? '',
        ...(newer === undefined ? {} : { newer }),
        ...(newerFiltered === undefined ? {} : { newerWanted: newerFiltered }),
        tags: all.slice(0, most).map(({ tag, digest, created }) => ({
          tag,
          digest,
          ...(created === undefined ? {} : { created: new Date(created).toISOString() }),
        })),
        problem,
      }
    }),
  }
}
