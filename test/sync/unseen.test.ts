import { afterEach, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import type { Cluster } from '../../src/adapters/cluster/index.ts'
import { grant } from '../cluster/grant.ts'
import type { SourceSpec } from '../../src/domain/source/spec.ts'
import { configMap } from './manifests.ts'
import { createWorkbench, type Workbench } from './workbench.ts'

const rbac = 'rbac.authorization.k8s.io'
const clusterRole = (name: string) =>
  `apiVersion: ${rbac}/v1\nkind: ClusterRole\nmetadata: {name: ${name}}\nrules: []\n`

describe('with rights in some namespaces only', () => {
  let bench: Workbench
  let narrow: Cluster

  afterEach(async () => {
    await bench.close()
  })

  /** All that a namespace holds may be seen and changed there, nothing elsewhere; the watches have no other rights either. */
  async function begin(spec: Partial<SourceSpec> = {}): Promise<void> {
    bench = await createWorkbench({ serviceAccount: 'deployer', ...spec })
    const { namespace } = bench.spec
    await bench.cluster.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name: 'deployer' } })
    narrow = bench.cluster.as({ namespace, serviceAccount: 'deployer' })
    await allow(bench.target)
    bench.cluster.watch = (query, onEvent) => narrow.watch(query, onEvent)
    bench.spec.allowedNamespaces = [bench.target, namespace]
  }

  async function allow(namespace: string): Promise<void> {
    const account = { namespace: bench.spec.namespace, name: 'deployer' }
    await grant(bench.cluster, {
      account,
      in: namespace,
      rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }],
    })
    await until('it may list there', async () => await mayList(namespace))
  }

  async function disallow(namespace: string): Promise<void> {
    await bench.cluster.delete({ apiVersion: `${rbac}/v1`, kind: 'RoleBinding', namespace, name: 'deployer' }, {})
    await bench.cluster.delete({ apiVersion: `${rbac}/v1`, kind: 'Role', namespace, name: 'deployer' }, {})
    await until('it may list there no more', async () => !(await mayList(namespace)))
  }

  /** The API server takes a moment to learn of a right. */
  async function mayList(namespace: string): Promise<boolean> {
    return await narrow.list({ apiVersion: 'v1', kind: 'ConfigMap', namespace, metadataOnly: true }).then(
      () => true,
      () => false,
    )
  }

  const failed = async () => (await bench.status()).failed.map(({ id, reason }) => [id, reason])
  const read = async (namespace: string, name: string) =>
    await bench.cluster.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name })

  it('a namespace whose rights are gone holds up its own objects alone, and none of them is deleted or forgotten', async () => {
    await begin()
    const there = bench.spec.namespace
    await allow(there)
    const elsewhere = (name: string) => configMap(name, '1', `  namespace: ${there}\n`)
    bench.push({ 'a.yaml': configMap('a', '1'), 'b.yaml': elsewhere('b'), 'c.yaml': elsewhere('c') })
    await bench.sync()
    expect(await bench.status()).toMatchObject({ ready: true, objects: 3 })

    await disallow(there)
    bench.restart()
    bench.push({ 'a.yaml': configMap('a', '2'), 'b.yaml': elsewhere('b') })
    await bench.sync()
    expect((await read(bench.target, 'a'))?.data).toEqual({ key: '2' })
    expect(await failed()).toEqual([[`${there}:configmap/b`, 'Forbidden']])
    await bench.sync()
    expect(await bench.status()).toMatchObject({ objects: 3 })
    expect(await read(there, 'c')).toBeDefined()

    await allow(there)
    bench.restart()
    await bench.sync()
    expect(await bench.status()).toMatchObject({ ready: true, objects: 2 })
    expect(await read(there, 'c')).toBeUndefined()
  })

  it('a kind that may not be listed fails alone', async () => {
    await begin()
    bench.push({ 'a.yaml': configMap('a', '1'), 'role.yaml': clusterRole(bench.target) })
    await bench.sync()
    expect(await failed()).toEqual([[`<cluster>:clusterrole/${bench.target}`, 'Forbidden']])
    expect((await read(bench.target, 'a'))?.data).toEqual({ key: '1' })
  })

  it('nothing is done where nothing may be listed', async () => {
    await begin()
    bench.push({ 'role.yaml': clusterRole(bench.target) })
    await expect(bench.sync()).rejects.toMatchObject({ reason: 'Forbidden' })
  })
})
