import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type Cluster,
  type ClusterOptions,
  createCluster,
  type Watch,
  type WatchEvent,
} from '../../src/adapters/cluster/index.ts'
import type { KubeObject } from '../../src/domain/manifest/object.ts'
import { stack } from '../stack/stack.ts'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'
import { makeNamespace, quiet, realCluster, removeNamespace, until } from './world.ts'

let direct: Cluster
let proxy: TcpProxy
let cluster: Cluster
let namespace: string
let retries: string[]

beforeEach(async () => {
  direct = realCluster()
  namespace = await makeNamespace(direct)
  proxy = await startTcpProxy(stack().kubeconfig)
  retries = []
  cluster = behindProxy({ paceMs: 200 })
})
afterEach(async () => {
  await cluster.close()
  await proxy.close()
  await removeNamespace(direct, namespace)
  await direct.close()
})

function behindProxy(watchTiming: NonNullable<ClusterOptions['watchTiming']>): Cluster {
  const onRetry: ClusterOptions['onRetry'] = ({ method }) => retries.push(method)
  return createCluster({ kubeconfig: proxy.kubeconfig, log: quiet, onRetry, watchTiming })
}

function configMap(name: string, value: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, labels: { faults: 'yes' } },
    data: { value },
  }
}

/** What a listener holds after all events, as a user of the watch would. */
function follow(by = cluster): { watch: Watch; held: Map<string, unknown>; lists: () => number } {
  const held = new Map<string, unknown>()
  let lists = 0
  const watch = by.watch(
    { apiVersion: 'v1', kind: 'ConfigMap', namespace, labelSelector: 'faults' },
    (event: WatchEvent) => {
      if (event.type === 'replaced') {
        lists += 1
        held.clear()
        for (const { metadata, data } of event.items) held.set(metadata.name, data)
      } else if (event.type === 'deleted') held.delete(event.object.metadata.name)
      else held.set(event.object.metadata.name, event.object.data)
    },
  )
  return { watch, held, lists: () => lists }
}

async function write(name: string, value: string): Promise<void> {
  await direct.apply(configMap(name, value), { force: true })
}

describe('a watch', () => {
  it('goes on after its connection was cut, ten times, without a new list', async () => {
    await write('a', '0')
    const { watch, held, lists } = follow()
    await watch.synced
    for (let round = 1; round <= 10; round++) {
      proxy.drop()
      await write('a', String(round))
      await until('the change is seen', () => (held.get('a') as { value: string } | undefined)?.value === String(round))
    }
    expect(lists()).toBe(1)
    watch.stop()
  })

  it('notices a connection that is open and dead', async () => {
    const impatient = behindProxy({ openMs: 2000, graceMs: 500, paceMs: 200 })
    await write('a', '0')
    const { watch, held } = follow(impatient)
    await watch.synced
    await write('a', '1')
    await until('the change is seen', () => (held.get('a') as { value: string }).value === '1')
    proxy.blackHole()
    await write('b', '1')
    await direct.delete({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name: 'a' }, {})
    await until('both changes are seen', () => held.has('b') && !held.has('a'))
    watch.stop()
    await impatient.close()
  })

  it('comes back when the server does, without a storm', async () => {
    await write('a', '0')
    const { watch, held } = follow()
    await watch.synced
    proxy.refuse(true)
    const before = proxy.connections()
    const refusedAt = performance.now()
    for (let flap = 0; flap < 30; flap++) {
      proxy.drop()
      await until('a tenth of a second has passed', () => performance.now() - refusedAt > flap * 100)
    }
    expect(proxy.connections() - before).toBeLessThan(15)
    await write('a', '1')
    proxy.refuse(false)
    await until('the change is seen', () => (held.get('a') as { value: string }).value === '1')
    expect(proxy.open()).toBeLessThanOrEqual(3)
    watch.stop()
  })

  it('lets go of its connection when stopped', async () => {
    const { watch, held } = follow()
    await watch.synced
    await write('a', '1')
    await until('the watch is open', () => held.has('a'))
    const before = proxy.open()
    watch.stop()
    await until('its connection is gone', () => proxy.open() < before)
  })
})

describe('a request', () => {
  it('is sent again when the connection is cut and it may be repeated', async () => {
    await cluster.version()
    proxy.drop()
    await cluster.apply(configMap('applied', '1'), { force: true })
    proxy.refuse(true)
    proxy.drop()
    const reading = cluster.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name: 'applied' })
    await until('it was tried again', () => retries.includes('GET'))
    proxy.refuse(false)
    expect((await reading)?.data).toEqual({ value: '1' })
  })

  it('fails with ClusterUnavailable when the server stays away', async () => {
    await cluster.version()
    proxy.refuse(true)
    proxy.drop()
    const expected = { reason: 'ClusterUnavailable', retry: 'backoff' }
    await expect(cluster.list({ apiVersion: 'v1', kind: 'ConfigMap', namespace })).rejects.toMatchObject(expected)
    await expect(cluster.create(configMap('x', '1'))).rejects.toMatchObject(expected)
    expect(retries.filter((method) => method === 'POST')).toEqual([])
  })

  it('ends at once when its caller stops', async () => {
    await cluster.version()
    proxy.blackHole()
    const stop = new AbortController()
    const reading = cluster.version(stop.signal)
    const reason = new Error('stopped')
    stop.abort(reason)
    await expect(reading).rejects.toBe(reason)
  })
})
