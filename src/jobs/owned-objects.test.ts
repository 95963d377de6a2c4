import { expect, it } from 'vitest'
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
