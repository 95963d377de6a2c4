import { afterEach, describe, expect, it } from 'vitest'
import type { KubeObject } from '../../src/domain/manifest/object.ts'
import { configMap } from './manifests.ts'
import { createWorkbench, type Workbench } from './workbench.ts'

const secret = (name: string) => `apiVersion: v1\nkind: Secret\nmetadata:\n  name: ${name}\n`

describe('what of a repository reaches the real API server', () => {
  let bench: Workbench

  afterEach(async () => {
    await bench.close()
  })

  async function read(kind: string, name: string): Promise<KubeObject | undefined> {
    return await bench.cluster.get({ apiVersion: 'v1', kind, namespace: bench.target, name })
  }

  it('is what include and exclude leave', async () => {
    bench = await createWorkbench({ include: ['apps/'], exclude: ['*-test.yaml'] })
    bench.push({ 'a.yaml': configMap('a', '1'), 'apps/b.yaml': configMap('b', '1'), 'apps/c-test.yaml': 'kind: [' })
    await bench.sync()
    expect(await bench.status()).toMatchObject({ ready: true, objects: 1 })
    expect([await read('ConfigMap', 'a'), (await read('ConfigMap', 'b'))?.metadata.name]).toEqual([undefined, 'b'])
  })

  it('goes into the target namespace, whatever it says', async () => {
    bench = await createWorkbench({ defaultNamespace: 'kube-public' })
    bench.spec.targetNamespace = bench.target
    bench.push({ 'a.yaml': configMap('a', '1').replace('metadata:\n', 'metadata:\n  namespace: elsewhere\n') })
    await bench.sync()
    expect((await read('ConfigMap', 'a'))?.metadata.namespace).toBe(bench.target)
  })

  it('leaves out an excluded kind, and what was applied before stays when it is excluded', async () => {
    bench = await createWorkbench()
    bench.push({ 'a.yaml': configMap('a', '1'), 's.yaml': secret('s') })
    await bench.sync()
    expect(await read('Secret', 's')).toBeDefined()
    bench.spec.excludeResources = ['v1/Secret']
    bench.push({ 'a.yaml': configMap('a', '2'), 's.yaml': secret('s'), 't.yaml': secret('t') })
    const { changes } = await bench.sync()
    expect(changes.map(({ id, action }) => [id, action])).toEqual([[`${bench.target}:configmap/a`, 'configured']])
    expect([(await read('Secret', 's'))?.metadata.name, await read('Secret', 't')]).toEqual(['s', undefined])
  })

  it('is nothing when it is too much, and nothing is deleted', async () => {
    bench = await createWorkbench()
    bench.push({ 'a.yaml': configMap('a', '1'), 'b.yaml': configMap('b', '1') })
    await bench.sync()
    bench.spec.maxObjects = 1
    bench.push({ 'b.yaml': configMap('b', '2'), 'c.yaml': configMap('c', '1') })
    expect((await bench.sync()).changes).toEqual([])
    expect(await bench.status()).toMatchObject({ ready: false, failed: [{ reason: 'SourceTooLarge' }] })
    expect((await read('ConfigMap', 'a'))?.data).toEqual({ key: '1' })
  })
})
