import { expect, it } from 'vitest'
import { createFakeCluster } from '../../test/fakes/cluster.ts'
import { AppError } from '../domain/error.ts'
import type { KubeObject } from '../domain/manifest/object.ts'
import { createFindMarked } from './marked-kinds.ts'

const { signal } = new AbortController()
const everywhere = { namespaces: [], excludeResources: [] }

function object(apiVersion: string, kind: string, more: object = {}, namespace = 'default'): KubeObject {
  const labels = { 'fluxcd.io/sync-gc-mark': 'sha256.x' }
  return { apiVersion, kind, metadata: { name: 'x', namespace, labels, ...more } }
}

async function kindsOf(objects: KubeObject[], where: { namespaces?: string[]; excludeResources?: string[] } = {}) {
  const cluster = createFakeCluster()
  cluster.seed(objects)
  const kinds = await createFindMarked(cluster)({ ...everywhere, ...where }, signal)
  return kinds.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`)
}

it('finds the kinds of what carries a mark', async () => {
  const unmarked = object('v1', 'Secret', { labels: {} })
  expect(await kindsOf([object('batch/v1', 'CronJob'), object('v1', 'Service'), unmarked])).toEqual([
    'v1 Service',
    'batch/v1 CronJob',
  ])
})

it('passes over what is never deleted: excluded kinds, and what a controller made', async () => {
  const owned = object('v1', 'Pod', { ownerReferences: [{ kind: 'Job', name: 'x', uid: 'u' }] })
  const objects = [object('v1', 'Service'), owned]
  expect(await kindsOf(objects, { excludeResources: ['v1/Service'] })).toEqual([])
})

it('looks into the namespaces that may be touched, where there are such', async () => {
  const objects = [object('v1', 'Service'), object('batch/v1', 'CronJob', {}, 'kube-system')]
  expect(await kindsOf(objects, { namespaces: ['kube-system'] })).toEqual(['batch/v1 CronJob'])
})

it.each([
  ['may not be listed', new AppError('Forbidden', 'no', { details: { status: 403 } }), 'batch/v1 CronJob'],
  ['is gone', new AppError('UnknownKind', 'no', { details: { status: 404 } }), 'batch/v1 CronJob'],
])('passes over a kind that %s', async (_, error, others) => {
  const cluster = createFakeCluster()
  cluster.seed([object('v1', 'Service'), object('batch/v1', 'CronJob')])
  cluster.failNext({ verb: 'list', kind: 'Service', error })
  const kinds = await createFindMarked(cluster)(everywhere, signal)
  expect(kinds.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`)).toEqual([others])
})

it.each([
  ['does not know us', new AppError('Forbidden', 'no', { details: { status: 401 } })],
  ['does not answer', new AppError('ClusterUnavailable', 'no')],
  ['has too much to do', new AppError('RateLimited', 'no', { details: { status: 429 } })],
])('a cluster that %s is not one without marks, and is asked again', async (_, error) => {
  const cluster = createFakeCluster()
  cluster.seed([object('v1', 'Service')])
  cluster.failNext({ verb: 'list', kind: 'Service', error })
  const find = createFindMarked(cluster)
  await expect(find(everywhere, signal)).rejects.toThrow('no')
  expect(await find(everywhere, signal)).toHaveLength(1)
})

it('asks once for all who begin at the same time', async () => {
  const cluster = createFakeCluster()
  let lists = 0
  const find = createFindMarked({
    resources: async () => (await cluster.resources()).filter(({ kind }) => kind === 'Service'),
    list: async (...given) => {
      lists += 1
      return await cluster.list(...given)
    },
  })
  await Promise.all([find(everywhere, signal), find(everywhere, signal)])
  expect(lists).toBe(1)
})
