import { expect, it } from 'vitest'
import type { WatchEvent } from '../adapters/cluster/index.ts'
import { createFakeCluster } from '../../test/fakes/cluster.ts'
import { createOwnedObjects } from './owned-objects.ts'

function listen() {
  const cluster = createFakeCluster()
  const queries: unknown[] = []
  const owned = createOwnedObjects({
    resource: (apiVersion, kind) => cluster.resource(apiVersion, kind),
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

it('keeps the newer state of an object, but believes a cluster that has gone back in time (hazard C12)', async () => {
  let tell: (event: WatchEvent) => void = () => {}
  const owned = createOwnedObjects({
    resource: (apiVersion, kind) => createFakeCluster().resource(apiVersion, kind),
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
