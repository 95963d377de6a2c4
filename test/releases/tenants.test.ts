import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ReleaseStatus } from '../../src/domain/release/phase.ts'
import { type RequestAsk, requestJobName, requestKey } from '../../src/domain/work/request.ts'
import { changeRelease } from '../../src/jobs/change-release/index.ts'
import { planRelease } from '../../src/jobs/plan-release/index.ts'
import { createRequests } from '../../src/jobs/requests.ts'
import { appliedStatus } from '../fakes/source-status.ts'
import { createFakeStore } from '../fakes/store.ts'
import { createAccount } from './account.ts'
import { createReleaseBench, type ReleaseBench, template } from './workbench.ts'

const { signal } = new AbortController()

describe('HelmReleases of strangers (hazards J1, J2), with the real helm on the real API server', () => {
  let bench: ReleaseBench
  const foreign = () => `${bench.namespace}-foreign`

  beforeAll(async () => {
    bench = await createReleaseBench()
    const { cluster, namespace } = bench
    await bench.publish('1.0.0', { 'config.yaml': template })
    await cluster.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: foreign() } })
    const metadata = { name: 'theirs', namespace: foreign() }
    await cluster.create({ apiVersion: 'v1', kind: 'Secret', metadata, stringData: { 'values.yaml': 'color: gold' } })
    await createAccount(cluster, 'bot', [namespace])
  })

  beforeEach(() => {
    bench.deps.areTenants = true
    bench.deps.defaults = { gitRef: 'master', updateDependencies: true }
    bench.writes()
    bench.helmRuns()
  })

  afterAll(async () => {
    await bench.cluster.delete({ apiVersion: 'v1', kind: 'Namespace', name: foreign() }, {})
    await bench.close()
  })

  const chart = () => ({ repository: bench.charts.url, name: 'demo', version: '1.0.0' })
  const object = (name: string) => ({
    apiVersion: 'helm.fluxcd.io/v1',
    kind: 'HelmRelease',
    namespace: bench.namespace,
    name,
  })
  const configOf = async (release: string, namespace = bench.namespace) =>
    await bench.cluster.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name: `${release}-config` })
  const messageOf = async (name: string) => {
    const { conditions } = ((await bench.get(name))?.status ?? {}) as ReleaseStatus
    return conditions?.find(({ type }) => type === 'Released')?.message
  }
  const spying = () => [{ secretKeyRef: { name: 'theirs', namespace: foreign(), optional: true } }]

  /** Asks, and runs the job as a worker would. */
  async function ask(name: string, wanted: RequestAsk) {
    const requests = createRequests({
      store: createFakeStore(),
      key: () => requestKey('a-token'),
      newId: () => randomBytes(16).toString('hex'),
      now: () => new Date(),
    })
    const { namespace } = bench
    const request = await requests.put({ namespace, name, by: 'ana', ask: wanted })
    const payload = { kind: wanted.kind, namespace, name: requestJobName(request), reason: 'x', requestedAt: '' }
    const deps = { ...bench.deps, requests, enqueue: async () => ({ jobId: 'sync-release.1' }) }
    return await (wanted.kind === 'plan-release' ? planRelease : changeRelease)(payload, deps, signal)
  }
  const plan = async (name: string) => await ask(name, { kind: 'plan-release', show: 'values' })
  const rollBack = async (name: string) => await ask(name, { kind: 'change-release', change: 'rollback', revision: 1 })

  it.each([
    ['spy', 'a Secret of another namespace', () => ({ valuesFrom: spying() })],
    ['far', 'a target in another namespace', () => ({ targetNamespace: foreign() })],
    [
      'new',
      'a target namespace that is to be made',
      () => ({ targetNamespace: `${foreign()}-new`, createNamespace: true }),
    ],
    ['own', 'nothing of others', () => ({})],
  ])('without an account is held, and nothing is read or written for it: %s wants %s', async (name, _what, more) => {
    await bench.put(name, { releaseName: name, chart: chart(), ...more() })
    expect(await bench.sync(name)).toMatchObject({ end: 'again' })
    expect(await messageOf(name)).toMatch(/^NoServiceAccount: it names no service account, and with --tenants/)
    expect(bench.helmRuns()).toEqual([])
    expect(new Set(bench.writes())).toEqual(new Set(['patch HelmRelease', 'create Event']))
    for (const asking of [plan, rollBack])
      await expect(asking(name)).rejects.toMatchObject({ reason: 'NoServiceAccount', retry: 'never' })
    await bench.suspend(name)
    expect(await bench.sync(name)).toMatchObject({ end: 'done', summary: 'suspended by ana: audit' })
    bench.useFinalizer(false)
    expect(await bench.sync(name)).toMatchObject({ end: 'done', summary: 'suspended by ana: audit' })
    bench.useFinalizer(true)
    await bench.cluster.delete(object(name), {})
  })

  it('has the default account where it names none, with that account’s rights alone', async () => {
    bench.deps.defaults = { ...bench.deps.defaults, serviceAccount: 'bot' }
    await bench.put('default', { releaseName: 'default', chart: chart() })
    expect(await bench.sync('default')).toMatchObject({ end: 'done' })
    expect(bench.arguments()).toContain(`--kube-as-user=system:serviceaccount:${bench.namespace}:bot`)
    await bench.put('default', { releaseName: 'default', chart: chart(), valuesFrom: spying() })
    expect(await bench.sync('default')).toMatchObject({ end: 'again' })
    expect(await messageOf('default')).toMatch(/^Forbidden: .*system:serviceaccount:.*:bot/)
    expect((await configOf('default'))?.data).toMatchObject({ color: 'red' })
    await expect(plan('default')).rejects.toMatchObject({ reason: 'Forbidden' })
    await bench.cluster.delete(object('default'), {})
    expect(await bench.sync('default')).toMatchObject({ end: 'done' })
    expect(await bench.get('default')).toBeUndefined()
    expect(await configOf('default')).toBeUndefined()
  })

  it('reads values of another namespace where its account may', async () => {
    await createAccount(bench.cluster, 'reader', [bench.namespace, foreign()])
    const account = { serviceAccountName: 'reader' }
    await bench.put('granted', { releaseName: 'granted', chart: chart(), valuesFrom: spying(), ...account })
    expect(await bench.sync('granted')).toMatchObject({ end: 'done' })
    expect((await configOf('granted'))?.data).toMatchObject({ color: 'gold' })
  })

  it('depends on nothing of another namespace, not even on what is ready there', async () => {
    bench.deps.defaults = { ...bench.deps.defaults, serviceAccount: 'bot' }
    const their = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'capstan-source-theirs', namespace: foreign() },
    }
    await bench.cluster.create({ ...their, data: { 'status.json': JSON.stringify(appliedStatus('0'.repeat(40))) } })
    const near = { kind: 'HelmRelease', name: 'missing' }
    for (const name of ['theirs', 'missing']) {
      const dependsOn = [{ kind: 'Source', namespace: foreign(), name }, near]
      await bench.put('curious', { releaseName: 'curious', chart: chart(), dependsOn })
      await bench.sync('curious')
      expect(await messageOf('curious')).toBe(
        `DependencyNotReady: dependsOn names Source ${foreign()}/${name} of another namespace, which --tenants does not allow`,
      )
    }
    await bench.put('curious', { releaseName: 'curious', chart: chart(), dependsOn: [near] })
    await bench.sync('curious')
    expect(await messageOf('curious')).toBe(`DependencyNotReady: it waits for HelmRelease ${bench.namespace}/missing`)
    // without tenants that Source is ready, which is what strangers are not to learn
    bench.deps.areTenants = false
    const dependsOn = [{ kind: 'Source', namespace: foreign(), name: 'theirs' }]
    await bench.put('curious', { releaseName: 'curious', chart: chart(), dependsOn })
    expect(await bench.sync('curious')).toMatchObject({ end: 'done' })
  })

  it('is not uninstalled with our own rights: what was made before stays when its HelmRelease goes', async () => {
    bench.deps.areTenants = false
    await bench.put('older', { releaseName: 'older', chart: chart() })
    expect(await bench.sync('older')).toMatchObject({ end: 'done' })
    bench.deps.areTenants = true
    await bench.cluster.delete(object('older'), {})
    bench.helmRuns()
    expect(await bench.sync('older')).toMatchObject({
      end: 'done',
      summary: expect.stringMatching(/^release older is left as it is: it names no service account/) as string,
    })
    expect(bench.helmRuns()).toEqual([])
    expect(await bench.get('older')).toBeUndefined()
    expect(await configOf('older')).toBeDefined()
  })
})
