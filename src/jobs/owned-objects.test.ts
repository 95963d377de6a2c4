import { expect, it } from 'vitest'
import type { WatchEvent } from '../adapters/cluster/index.ts'
import { AppError } from '../domain/error.ts'
import { createFakeCluster } from '../../test/fakes/cluster.ts'
import { createOwnedObjects } from './owned-objects.ts'

function listen() {
  const cluster = createFakeCluster()
  const queries: unknown[] = []
  const owned = createOwnedObjects({
    resource: (apiVersion, kind) => cluster.resource(apiVersion, kind),
    resources: () => cluster.resources(),
    list: (query) => cluster.list(query),
    watch: (query, onEvent) => {
      queries.push(query)
      onEvent({ type: 'replaced', items: [] })
      return { synced: Promise.resolve(), problem: () => undefined, stop() {} }
    },
  })
  return { owned, queries }
}

const { signal } = new AbortController()
const refs = ['a', 'b', 'c'].map((namespace) => ({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name: 'x' }))
const query = { apiVersion: 'v1', kind: 'ConfigMap', labelSelector: 'fluxcd.io/sync-gc-mark', metadataOnly: true }

it('watches a kind once, however many namespaces it is in', async () => {
  const { owned, queries } = listen()
  await owned.ensure(refs, [], signal)
  await owned.ensure([{ apiVersion: 'v1', kind: 'ConfigMap' }], ['a'], signal)
  expect(queries).toEqual([query])
})

it('watches only the namespaces that may be touched', async () => {
  const { owned, queries } = listen()
  await owned.ensure(refs, ['a', 'b'], signal)
  await owned.ensure(refs, ['b'], signal)
  expect(queries).toEqual([
    { ...query, namespace: 'a' },
    { ...query, namespace: 'b' },
  ])
})

/** Watches of which those in `failing`, named by kind or namespace, never have a list. */
function listenWith(failing: Record<string, AppError>) {
  const cluster = createFakeCluster()
  const stopped = new Set<string>()
  const owned = createOwnedObjects(
    {
      resource: (apiVersion, kind) => cluster.resource(apiVersion, kind),
      resources: () => cluster.resources(),
      list: (query) => cluster.list(query),
      watch({ kind, namespace = '' }) {
        const problem = failing[namespace] ?? failing[kind]
        const first = Promise.withResolvers<void>()
        if (!problem) first.resolve()
        return { synced: first.promise, problem: () => problem, stop: () => void stopped.add(`${kind} ${namespace}`) }
      },
    },
    { patienceMs: 1 },
  )
  return { owned, stopped }
}

const forbidden = new AppError('Forbidden', 'configmaps is forbidden: nobody cannot list it')
const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole' }

it('a namespace or a kind that may not be listed holds up itself alone', async () => {
  const { owned } = listenWith({ gone: forbidden, ClusterRole: forbidden })
  const seeing = await owned.ensure([...refs, role], ['here', 'gone'], signal)
  const why = (namespace: string) => seeing.whyUnseen({ apiVersion: 'v1', kind: 'ConfigMap', namespace })
  expect([why('gone'), why('here'), seeing.whyUnseen(role), seeing.isBlind]).toEqual([
    forbidden,
    undefined,
    forbidden,
    false,
  ])
  expect(new Set(seeing.unseen.map(({ kind, namespace }) => `${kind} ${namespace}`))).toEqual(
    new Set(['ConfigMap gone', 'ClusterRole ']),
  )
})

it.each([
  ['may not be listed', forbidden],
  ['does not answer', new AppError('ClusterUnavailable', 'the server is currently unable to handle the request')],
])('is blind where nothing can be listed: it %s', async (_, error) => {
  const { owned } = listenWith({ ConfigMap: error })
  expect((await owned.ensure(refs, [], signal)).isBlind).toBe(true)
  expect((await owned.ensure([], [], signal)).isBlind).toBe(false)
})

it('sees by namespaces where the watch of them all may not list', async () => {
  const { owned } = listenWith({ '': forbidden })
  expect((await owned.ensure(refs, [], signal)).isBlind).toBe(true)
  expect(
    (await owned.ensure(refs, ['a'], signal)).whyUnseen({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'a' }),
  ).toBe(undefined)
})

it('ends with its signal while it waits', async () => {
  const stop = new AbortController()
  const { owned } = listenWith({})
  stop.abort(new Error('stopped'))
  await expect(owned.ensure(refs, [], stop.signal)).rejects.toThrow('stopped')
})

it('keeps the newer state of an object, but believes a cluster that has gone back in time (hazard C12)', async () => {
  let tell: (event: WatchEvent) => void = () => {}
  const cluster = createFakeCluster()
  const owned = createOwnedObjects({
    resource: (apiVersion, kind) => cluster.resource(apiVersion, kind),
    resources: () => cluster.resources(),
    list: (query) => cluster.list(query),
    watch(_query, onEvent) {
      tell = onEvent
      return { synced: Promise.resolve(), problem: () => undefined, stop() {} }
    },
  })
  await owned.ensure(refs, [], signal)
  const at = (resourceVersion: string) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: 'x',
      namespace: 'a',
      uid: 'u',
      resourceVersion,
      labels: { 'fluxcd.io/sync-gc-mark': 'sha256.x' },
    },
  })
  const known = () => [...owned.all()].map((live) => live.resourceVersion)
  const changes: string[] = []
  owned.onChange((live) => changes.push(live.resourceVersion))
  tell({ type: 'replaced', items: [at('100')] })
  owned.note(at('120'))
  tell({ type: 'replaced', items: [at('110')] })
  expect(known()).toEqual(['120'])
  expect(owned.rewinds()).toBe(0)
  tell({ type: 'replaced', items: [at('90')], isRewound: true })
  expect(known()).toEqual(['90'])
  expect(changes).toEqual(['90'])
  expect(owned.rewinds()).toBe(1)
})
