import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import type { ReleaseStatus } from '../../src/domain/release/phase.ts'
import { createReleaseBench, type ReleaseBench, template } from './workbench.ts'

const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole' }
const binding = { ...role, kind: 'ClusterRoleBinding' }

describe('what could not be begun, with the real helm on the real API server', () => {
  let bench: ReleaseBench

  beforeAll(async () => {
    bench = await createReleaseBench()
    await bench.publish('1.0.0', { 'config.yaml': template })
    const { cluster, namespace } = bench
    const subject = { kind: 'ServiceAccount', namespace, name: 'reader' }
    await cluster.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name: 'reader' } })
    const rules = [{ apiGroups: [''], resources: ['secrets', 'configmaps', 'namespaces'], verbs: ['get', 'list'] }]
    await cluster.create({ ...role, metadata: { name: namespace }, rules })
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: role.kind, name: namespace }
    await cluster.create({ ...binding, metadata: { name: namespace }, roleRef, subjects: [subject] })
    await until('the API server knows that the reader may read', async () => {
      const user = `system:serviceaccount:${namespace}:reader`
      const resourceAttributes = { group: '', resource: 'namespaces', verb: 'get', name: 'nope' }
      const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview' }
      return (await cluster.review({ ...review, spec: { user, resourceAttributes } })).allowed === true
    })
  })

  afterAll(async () => {
    for (const kind of [role, binding]) await bench.cluster.delete({ ...kind, name: bench.namespace }, {})
    await bench.close()
  })

  const chart = () => ({ repository: bench.charts.url, name: 'demo', version: '1.0.0' })
  const statusOf = async (name: string) => ((await bench.get(name))?.status ?? {}) as ReleaseStatus
  const conditionsOf = async (name: string) =>
    Object.fromEntries(((await statusOf(name)).conditions ?? []).map(({ type, status }) => [type, status]))
  const messageOf = async (name: string) =>
    (await statusOf(name)).conditions?.find(({ type }) => type === 'Released')?.message

  it.each([
    ['whose namespace does not exist', 'lost', { targetNamespace: 'nope' }, /^HelmFailed: namespace "nope" does not/],
    ['whose account must not write there', 'mute', { serviceAccountName: 'reader' }, /^Forbidden: .*create/],
    [
      'whose account must not make the namespace',
      'mild',
      { serviceAccountName: 'reader', targetNamespace: 'nope', createNamespace: true },
      /^Forbidden: namespaces .*create/,
    ],
  ])('says of a release %s that it is not deployed, and tries it more and more seldom', async (_, name, more, why) => {
    await bench.put(name, { releaseName: name, chart: chart(), ...more })
    for (const afterMs of [5_000, 10_000, 20_000])
      expect(await bench.sync(name)).toEqual({ end: 'again', afterMs, why: expect.stringMatching(why) as string })
    expect(await statusOf(name)).toMatchObject({ phase: 'DeployFailed', observedGeneration: 1 })
    expect(await conditionsOf(name)).toMatchObject({ ChartFetched: 'True', Deployed: 'False', Released: 'False' })
    expect(await messageOf(name)).toMatch(why)
    expect(bench.helmRuns()).toEqual([])
  })
})
