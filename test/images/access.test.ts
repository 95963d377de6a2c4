import { beforeEach, describe, expect, it } from 'vitest'
import type { RegistryAuth } from '../../src/adapters/registry/index.ts'
import { AppError } from '../../src/domain/error.ts'
import { openManifests } from '../../src/domain/image/open-manifests.ts'
import { readWorkload, type Workload } from '../../src/domain/image/workload.ts'
import { type AccessDeps, accessesTo, accessTo } from '../../src/jobs/scan-image/access.ts'
import type { Logger } from '../../src/lib/logger.ts'
import type { SourceSpec } from '../../src/domain/source/spec.ts'
import { spec } from '../api/workbench.ts'
import { createFakeCluster, type FakeCluster } from '../fakes/cluster.ts'

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
const repository = 'r.example/team/app'
let cluster: FakeCluster
let deps: AccessDeps
let fallback: RegistryAuth | undefined
let registered: string[]

beforeEach(() => {
  cluster = createFakeCluster()
  cluster.seed([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } }])
  fallback = undefined
  registered = []
  deps = {
    cluster,
    insecureHosts: [],
    logins: { find: async () => fallback },
    redactor: { register: (secrets) => (registered.push(...secrets), () => {}) },
    log: silent,
    areTenants: false,
  }
})

function secret(name: string, user: string, host = 'r.example'): void {
  const config = JSON.stringify({ auths: { [host]: { auth: btoa(`${user}:password-of-${user}`) } } })
  const data = { '.dockerconfigjson': btoa(config) }
  cluster.seed([{ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'default' }, data }])
}

function account(name: string, ...secrets: string[]): void {
  const imagePullSecrets = secrets.map((one) => ({ name: one }))
  cluster.seed([
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: 'default' }, imagePullSecrets },
  ])
}

function workload(pod: string): Workload {
  const text = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec: {template: {spec: {${pod} containers: [{name: app, image: ${repository}:1}]}}}`
  const [opened] = openManifests(text)
  const found = opened && readWorkload(opened.object, { file: 'web.yaml', index: 0, defaultNamespace: 'default' })
  if (!found) throw new Error('no workload')
  return found
}

const userFor = async (pod: string, spec?: SourceSpec) =>
  (
    await accessTo(
      repository,
      [{ workloads: [workload(pod)], ...(spec ? { spec } : {}) }],
      deps,
      new AbortController().signal,
    )
  ).auth?.username

describe('the login for an image', () => {
  it('is the pod’s before the service account’s, and that before the operator’s', async () => {
    fallback = { username: 'operator', password: 'password-of-operator' }
    secret('of-pod', 'pod')
    secret('of-account', 'account')
    account('runner', 'of-account')
    expect(await userFor('serviceAccountName: runner, imagePullSecrets: [{name: of-pod}],')).toBe('pod')
    expect(await userFor('serviceAccountName: runner,')).toBe('account')
    expect(await userFor('')).toBe('operator')
    expect(registered).toEqual(['password-of-pod', 'password-of-account', 'password-of-operator'])
  })

  it('is that of the account `default` where the pod names none', async () => {
    secret('of-default', 'default')
    account('default', 'gone', 'of-default')
    expect(await userFor('')).toBe('default')
    expect(await userFor('serviceAccountName: other,')).toBeUndefined()
  })

  it('is never one for another host', async () => {
    secret('other', 'other', 'other.example')
    expect(await userFor('imagePullSecrets: [{name: other}],')).toBeUndefined()
  })

  it('that may not be read is passed over; one that could not be read is not absent', async () => {
    const get = (reason: 'Forbidden' | 'ClusterUnavailable') => async () => {
      throw new AppError(reason, 'no')
    }
    deps.cluster = { get: get('Forbidden'), as: () => cluster }
    expect(await userFor('imagePullSecrets: [{name: of-pod}],')).toBeUndefined()
    deps.cluster = { get: get('ClusterUnavailable'), as: () => cluster }
    await expect(userFor('')).rejects.toMatchObject({ reason: 'ClusterUnavailable' })
  })

  it('named by a Source with a service account is read with that account’s rights', async () => {
    secret('of-pod', 'pod')
    const asked: unknown[] = []
    const nobody = { get: async () => await Promise.reject(new AppError('Forbidden', 'no')), as: () => cluster }
    deps.cluster = { get: nobody.get, as: (account) => (asked.push(account), cluster) }
    const pod = 'imagePullSecrets: [{name: of-pod}],'
    expect(await userFor(pod)).toBeUndefined()
    expect(await userFor(pod, { ...spec, serviceAccount: 'tenant' })).toBe('pod')
    expect(asked).toEqual([{ namespace: spec.namespace, serviceAccount: 'tenant' }])
  })

  it('of the operator is not for the Sources of strangers', async () => {
    fallback = { username: 'operator', password: 'password-of-operator' }
    expect(await userFor('', { ...spec, serviceAccount: 'tenant', namespacedOnly: true })).toBeUndefined()
    expect(await userFor('', { ...spec, serviceAccount: 'tenant' })).toBe('operator')
  })

  it('of the operator is not for what a stranger just runs in the cluster', async () => {
    fallback = { username: 'operator', password: 'password-of-operator' }
    expect(await userFor('')).toBe('operator')
    deps.areTenants = true
    expect(await userFor('')).toBeUndefined()
    expect(await userFor('', { ...spec, origin: 'flags', namespacedOnly: false })).toBe('operator')
    expect(registered).toEqual(['password-of-operator', 'password-of-operator'])
  })

  it('is followed by those of the other sources, the operator’s and none, each once', async () => {
    fallback = { username: 'operator', password: 'password-of-operator' }
    secret('first', 'ann')
    secret('again', 'ann')
    secret('second', 'bob')
    const usedBy = ['first', 'again', 'second', 'gone'].map((name) => ({
      workloads: [workload(`imagePullSecrets: [{name: ${name}}],`)],
    }))
    const users: (string | undefined)[] = []
    for await (const { auth } of accessesTo(repository, usedBy, deps, new AbortController().signal))
      users.push(auth?.username)
    expect(users).toEqual(['ann', 'bob', 'operator', undefined])
  })

  it('that exists and cannot be had is a failure and no reason to ask anonymously', async () => {
    deps.logins = {
      find: async () => {
        throw new AppError('RegistryAuthFailed', 'no login')
      },
    }
    await expect(userFor('')).rejects.toMatchObject({ reason: 'RegistryAuthFailed' })
  })
})
