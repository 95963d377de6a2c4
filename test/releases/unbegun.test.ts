import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import type { ReleaseStatus } from '../../src/domain/release/phase.ts'
import { openCharts } from '../helm/world.ts'
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

  describe('for a reason that is no fault of the HelmRelease', () => {
    const eventsOf = async (name: string) =>
      (await bench.cluster.list({ apiVersion: 'v1', kind: 'Event', namespace: bench.namespace })).filter(
        ({ involvedObject }) => (involvedObject as { name: string }).name === name,
      )

    /** The job runs with other means; the last ones are back afterwards. */
    async function syncWith(name: string, means: Partial<ReleaseBench['deps']>) {
      const before = { ...bench.deps }
      Object.assign(bench.deps, means)
      onTestFinished(() => void Object.assign(bench.deps, before))
      return await bench.sync(name).catch((error: unknown) => error)
    }

    it('tells that a registry asks us to wait, and waits so long', async () => {
      const server = createServer((_, answer) => void answer.writeHead(429, { 'retry-after': '600' }).end()).listen(0)
      onTestFinished(() => void server.close())
      await once(server, 'listening')
      const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
      const directory = mkdtempSync(join(tmpdir(), 'capstan-paused-'))
      onTestFinished(() => rmSync(directory, { recursive: true }))
      const charts = openCharts({ directory, egress: bench.deps.egress, insecureHosts: [host] })
      const chart = { repository: `oci://${host}/charts`, name: 'demo', version: '1.0.0' }
      await bench.put('paused', { releaseName: 'paused', chart })
      for (let look = 0; look < 2; look++) {
        const outcome = (await syncWith('paused', { charts })) as { afterMs: number }
        expect(outcome).toMatchObject({ end: 'again', why: expect.stringMatching(/^RateLimited: /) as string })
        expect(outcome.afterMs).toBeGreaterThan(300_000)
      }
      expect(await statusOf('paused')).toMatchObject({ phase: 'ChartFetchFailed' })
      expect(await messageOf('paused')).toMatch(/^RateLimited: .* asks us to wait \d+ s/)
      expect(await eventsOf('paused')).toHaveLength(1)
    })

    it('tells that the disk is full', async () => {
      await bench.put('full', { releaseName: 'full', chart: { git: 'https://h/r.git', path: 'demo', ref: 'main' } })
      bench.commit('1'.repeat(40), {})
      const git = { ...bench.deps.git, export: async () => await writeFile('/dev/full', 'x') }
      const outcome = await syncWith('full', { git })
      expect(outcome).toMatchObject({ end: 'again', why: expect.stringMatching(/^DiskFull: /) as string })
      expect(await statusOf('full')).toMatchObject({ phase: 'ChartFetchFailed' })
      expect(await eventsOf('full')).toHaveLength(1)
    })

    it('tells of a bug without its words, which may hold anything, and is thrown on for the log', async () => {
      const bug = new TypeError('x is not a function')
      const charts = { ...bench.deps.charts, fromRepository: async () => await Promise.reject(bug) }
      await bench.put('bug', { releaseName: 'bug', chart: chart() })
      for (let look = 0; look < 2; look++)
        expect(await syncWith('bug', { charts })).toMatchObject({ reason: 'InternalError', cause: bug })
      expect(await messageOf('bug')).toBe('InternalError: a bug in Capstan; the log of the job says more')
      expect(await eventsOf('bug')).toHaveLength(1)
    })
  })
})
