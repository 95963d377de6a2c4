import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { createCluster } from '../../src/adapters/cluster/index.ts'
import type { KubeObject } from '../../src/domain/manifest/object.ts'
import { grant } from '../cluster/grant.ts'
import { makeNamespace, quiet, realCluster, removeNamespace, until } from '../cluster/world.ts'
import { stack } from '../stack/stack.ts'

const admin = realCluster()
let home = ''
let other = ''
const account = () => ({ namespace: home, serviceAccount: 'deployer' })
const rbac = 'rbac.authorization.k8s.io'

function configMap(namespace: string, name: string): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name }, data: { a: 'b' } }
}

/** An account that may do everything with ConfigMaps and Secrets of its own namespace and nothing anywhere else. */
beforeAll(async () => {
  home = await makeNamespace(admin)
  other = await makeNamespace(admin)
  const deployer = { namespace: home, name: 'deployer' }
  const rules = [
    { apiGroups: [''], resources: ['configmaps', 'secrets'], verbs: ['get', 'list', 'watch', 'create', 'patch'] },
  ]
  await admin.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: deployer })
  await grant(admin, { account: deployer, in: home, rules })
  await until('the rights are known', async () =>
    admin
      .as(account())
      .apply(configMap(home, 'probe'), { force: true })
      .catch(() => undefined),
  )
})

afterAll(async () => {
  await removeNamespace(admin, home)
  await removeNamespace(admin, other)
  await admin.close()
})

describe('a cluster as an account', () => {
  it('may do what the account may', async () => {
    const tenant = admin.as(account())
    expect((await tenant.apply(configMap(home, 'mine'), { force: true })).created).toBe(true)
    expect(await tenant.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: home, name: 'mine' })).toBeDefined()
  })

  const denied: [string, () => KubeObject, RegExp][] = [
    ['in another namespace', () => configMap(other, 'theirs'), /cannot patch resource "configmaps".*namespace/],
    [
      'of a kind without rights',
      () => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace: home, name: 'x' } }),
      /cannot patch resource "serviceaccounts"/,
    ],
    [
      'that is of the whole cluster',
      () => ({
        apiVersion: `${rbac}/v1`,
        kind: 'ClusterRoleBinding',
        metadata: { name: `${home}-takes-over` },
        roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'cluster-admin' },
        subjects: [{ kind: 'ServiceAccount', namespace: home, name: 'deployer' }],
      }),
      /cannot patch resource "clusterrolebindings"/,
    ],
    [
      'that is a Secret elsewhere',
      () => ({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { namespace: other, name: 'x' },
        stringData: { a: 'hunter2' },
      }),
      /cannot patch resource "secrets"/,
    ],
  ]
  it.each(denied)(
    'may not apply an object %s; the message names the account and the right',
    async (_what, object, right) => {
      const work = admin.as(account()).apply(object(), { force: true })
      await expect(work).rejects.toMatchObject({ reason: 'Forbidden', message: expect.stringMatching(right) })
      await expect(work).rejects.toThrow(`system:serviceaccount:${home}:deployer`)
      await expect(work).rejects.not.toThrow('hunter2')
      const { kind, apiVersion, metadata } = object()
      const { namespace, name } = metadata
      expect(await admin.get({ apiVersion, kind, name, ...(namespace ? { namespace } : {}) })).toBeUndefined()
    },
  )

  it('has no rights where the account does not exist', async () => {
    const nobody = admin.as({ namespace: home, serviceAccount: 'nobody' })
    await expect(nobody.apply(configMap(home, 'x'), { force: true })).rejects.toMatchObject({ reason: 'Forbidden' })
  })

  it('watches with the rights of the account, too', async () => {
    const tenant = admin.as(account())
    const seen: string[] = []
    const mine = tenant.watch({ apiVersion: 'v1', kind: 'ConfigMap', namespace: home }, (event) => {
      if (event.type === 'changed') seen.push(event.object.metadata.name)
    })
    const theirs = tenant.watch({ apiVersion: 'v1', kind: 'ConfigMap', namespace: other }, () => seen.push('theirs'))
    await mine.synced
    await tenant.apply(configMap(home, 'watched'), { force: true })
    await until('the change is seen', () => seen.includes('watched'))
    expect(seen).not.toContain('theirs')
    theirs.stop()
    await tenant.close()
    expect(await admin.get({ apiVersion: 'v1', kind: 'Namespace', name: home })).toBeDefined()
  })

  const names: [string, string, string][] = [
    ['an empty account', 'ns', ''],
    ['an empty namespace', '', 'deployer'],
    ['an account that names another namespace', 'ns', 'kube-system:admin'],
    ['a namespace that names another account', 'ns:admin', 'x'],
    ['a header of its own', 'ns', 'x\r\nImpersonate-Group: system:masters'],
    ['a blank', ' ', 'x'],
  ]
  it.each(names)('is refused for %s, and nothing is sent', (_what, namespace, serviceAccount) => {
    expect(() => admin.as({ namespace, serviceAccount })).toThrow(/no name that Kubernetes accepts/)
  })

  it('does not become the user that the kubeconfig itself impersonates', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'capstan-as-'))
    try {
      const config = parse(readFileSync(stack().kubeconfig, 'utf8')) as { users: { user: Record<string, unknown> }[] }
      for (const { user } of config.users) user.as = 'somebody'
      const kubeconfig = join(directory, 'kubeconfig')
      writeFileSync(kubeconfig, stringify(config), { mode: 0o600 })
      const cluster = createCluster({ kubeconfig, log: quiet })
      await expect(cluster.apply(configMap(home, 'y'), { force: true })).rejects.toThrow('"somebody"')
      expect((await cluster.as(account()).apply(configMap(home, 'y'), { force: true })).created).toBe(true)
      await cluster.close()
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })
})
