import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import type { ReleaseStatus } from '../../src/domain/release/phase.ts'
import { type Kubelet, startKubelet } from './kubelet.ts'
import { createReleaseBench, type ReleaseBench, template } from './workbench.ts'

const secret = 'swordfish-in-the-log'

describe('the tests of a chart, with the real helm on the real API server', () => {
  let bench: ReleaseBench
  let kubelet: Kubelet

  beforeAll(async () => {
    bench = await createReleaseBench()
    kubelet = await startKubelet(bench.cluster, `starting\nGET / gave 500, password ${secret}\n`)
    const test = `apiVersion: v1
kind: Pod
metadata: {name: "{{ .Release.Name }}-test", annotations: {helm.sh/hook: test}}
spec: {nodeName: ${kubelet.node}, restartPolicy: Never, containers: [{name: a, image: none}]}
`
    await bench.publish('1.0.0', { 'config.yaml': template, 'test.yaml': test })
    const { cluster, namespace } = bench
    // the service account of a namespace comes a moment after it
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', namespace, name: 'default' }
    await until('there is a service account', async () => (await cluster.get(account)) !== undefined)
    const data = { 'values.yaml': Buffer.from(`secret: ${secret}\n`).toString('base64') }
    await cluster.create({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'values', namespace }, data })
  })

  afterAll(async () => {
    await bench.close()
    await kubelet.stop()
  })

  const pod = (name: string) => ({ apiVersion: 'v1', kind: 'Pod', namespace: bench.namespace, name: `${name}-test` })
  const statusOf = async (name: string) => ((await bench.get(name))?.status ?? {}) as ReleaseStatus
  const put = (name: string, test: object, more: object = {}) =>
    bench.put(name, {
      releaseName: name,
      chart: { repository: bench.charts.url, name: 'demo', version: '1.0.0' },
      valuesFrom: [{ secretKeyRef: { name: 'values' } }],
      test: { enable: true, timeout: 30, ...test },
      ...more,
    })
  /** Runs the job; the test pod ends as the kubelet would say it. */
  async function syncWith(name: string, phase: 'Succeeded' | 'Failed') {
    const before = (await bench.cluster.get(pod(name)))?.metadata.uid
    const running = bench.sync(name)
    await until('the test pod is there', async () => {
      const uid = (await bench.cluster.get(pod(name)))?.metadata.uid
      return uid !== undefined && uid !== before
    })
    await bench.cluster.patch(pod(name), { status: { phase } }, { subresource: 'status' })
    return await running
  }

  it('leaves the pods of tests that passed, as helm 3 does', async () => {
    await put('passed', {})
    expect(await syncWith('passed', 'Succeeded')).toMatchObject({ end: 'done' })
    expect(await bench.cluster.get(pod('passed'))).toBeDefined()
  })

  it('takes a first install away whose test fails, and says why with the end of the log and without its secrets', async () => {
    await put('fails', {})
    expect(await syncWith('fails', 'Failed')).toMatchObject({
      end: 'again',
      why: expect.stringContaining('log of pod fails-test') as string,
    })
    const status = await statusOf('fails')
    expect(status.phase).toBe('TestFailed')
    const message = status.conditions?.find(({ type }) => type === 'Released')?.message ?? ''
    expect(message).toContain('; log of pod fails-test: starting GET / gave 500, password *****')
    const events = await bench.cluster.list({ apiVersion: 'v1', kind: 'Event', namespace: bench.namespace })
    expect(JSON.stringify([await bench.get('fails'), events])).not.toContain(secret)
    expect(JSON.stringify(events)).toContain('GET / gave 500')
    expect((await bench.helm('list', '-a', '-q')).split('\n')).not.toContain('fails')
  })

  it('tries such an install again after its back-off, tests and all, ever more seldom', async () => {
    onTestFinished(bench.stopClock())
    await put('often', {})
    await syncWith('often', 'Failed')
    for (const wait of [7_000, 13_000]) {
      bench.helmRuns()
      expect(await bench.sync('often')).toMatchObject({ end: 'again' })
      expect(bench.helmRuns()).toEqual([])
      bench.advance(wait)
      expect(await syncWith('often', 'Failed')).toMatchObject({ end: 'again' })
      expect(bench.helmRuns()).toEqual(['install', 'test', 'uninstall'])
    }
    bench.advance(60_000)
    expect(await syncWith('often', 'Succeeded')).toMatchObject({ end: 'done' })
  })

  it('counts no failure against the release where that is asked for, and cleans up', async () => {
    await put('ignored', { ignoreFailures: true, cleanup: true })
    expect(await syncWith('ignored', 'Failed')).toMatchObject({ end: 'done' })
    const status = await statusOf('ignored')
    const of = (type: string) => status.conditions?.find((one) => one.type === type)
    expect(status.phase).toBe('Succeeded')
    expect(of('Tested')).toMatchObject({ status: 'False', message: expect.stringContaining('log of pod') as string })
    expect(of('Released')?.status).toBe('True')
    const left = await bench.cluster.get(pod('ignored'))
    expect(left === undefined || left.metadata.deletionTimestamp !== undefined).toBe(true)
    bench.helmRuns()
    expect(await bench.sync('ignored')).toMatchObject({ end: 'done' })
    expect(bench.helmRuns()).toEqual([])
  })

  it('rolls back an upgrade whose test fails, however long it takes to read its log', async () => {
    const rollback = { rollback: { enable: true } }
    await put('slow', {}, rollback)
    await syncWith('slow', 'Succeeded')
    await put('slow', {}, { ...rollback, values: { color: 'bad' } })
    const { cluster } = bench.deps
    bench.deps.cluster = {
      ...cluster,
      async podLog(...asked) {
        bench.advance(2_000)
        return await cluster.podLog(...asked)
      },
    }
    expect(await syncWith('slow', 'Failed')).toMatchObject({ end: 'again' })
    bench.deps.cluster = cluster
    expect(await statusOf('slow')).toMatchObject({ phase: 'RolledBack', rollbackCount: 1 })
  })

  it('rolls back an upgrade whose test fails, and does not hide it at the next look', async () => {
    const rollback = { rollback: { enable: true } }
    await put('back', {}, rollback)
    await syncWith('back', 'Succeeded')
    await put('back', {}, { ...rollback, values: { color: 'bad' } })
    expect(await syncWith('back', 'Failed')).toMatchObject({ end: 'again' })
    expect(await statusOf('back')).toMatchObject({ phase: 'RolledBack', rollbackCount: 1 })
    bench.helmRuns()
    expect(await bench.sync('back')).toMatchObject({ end: 'again' })
    expect(bench.helmRuns()).toEqual([])
    const conditionOf = async (type: string) =>
      (await statusOf('back')).conditions?.find((one) => one.type === type)?.status
    expect(await conditionOf('Released')).toBe('False')
    expect(await conditionOf('Tested')).toBe('False')
    await put('back', {}, rollback)
    expect(await bench.sync('back')).toMatchObject({ end: 'done' })
    expect(bench.helmRuns()).toEqual([])
    expect([await conditionOf('Released'), await conditionOf('Tested')]).toEqual(['True', 'True'])
  })

  const revisionsOf = async (name: string) =>
    (JSON.parse(await bench.helm('history', name, '-o', 'json')) as { revision: number }[]).length
  const isTrue = async (name: string, type: string) =>
    (await statusOf(name)).conditions?.find((one) => one.type === type)?.status

  it('runs tests that were switched on for what is deployed, once and without a new revision', async () => {
    await put('later', { enable: false })
    expect(await bench.sync('later')).toMatchObject({ end: 'done' })
    bench.helmRuns()
    await put('later', {})
    expect(await syncWith('later', 'Succeeded')).toMatchObject({ end: 'done' })
    expect(bench.helmRuns()).toEqual(['test'])
    expect([await isTrue('later', 'Tested'), await revisionsOf('later')]).toEqual(['True', 1])
    await put('later', { enable: false })
    await bench.sync('later')
    await put('later', {})
    expect(await bench.sync('later')).toMatchObject({ end: 'done' })
    expect(bench.helmRuns()).toEqual([])
  })

  it('leaves what ran before its tests were switched on when they fail, and takes it as it is without them', async () => {
    const rollback = { rollback: { enable: true } }
    for (const color of ['one', 'two']) {
      await put('running', { enable: false }, { ...rollback, values: { color } })
      await bench.sync('running')
    }
    await put('single', { enable: false })
    await bench.sync('single')
    bench.helmRuns()
    await put('running', {}, { ...rollback, values: { color: 'two' } })
    await put('single', {})
    for (const [name, count] of [['running', 2] as const, ['single', 1] as const]) {
      expect(await syncWith(name, 'Failed')).toMatchObject({ end: 'again' })
      expect(await statusOf(name)).toMatchObject({ phase: 'TestFailed', releaseStatus: 'deployed' })
      expect(await isTrue(name, 'Released')).toBe('False')
      expect(await revisionsOf(name)).toBe(count)
    }
    expect(bench.helmRuns()).toEqual(['test', 'test'])
    await put('single', { enable: false })
    expect(await bench.sync('single')).toMatchObject({ end: 'done' })
    expect(await statusOf('single')).toMatchObject({ phase: 'Succeeded' })
    expect(bench.helmRuns()).toEqual([])
  })

  it('is done with what failed its tests once they are switched off, without running them', async () => {
    onTestFinished(() => {
      bench.deps.failedInstall = 'remove'
    })
    bench.deps.failedInstall = 'keep'
    await put('kept', {})
    await syncWith('kept', 'Failed')
    await put('upgraded', {})
    await syncWith('upgraded', 'Succeeded')
    const values = { color: 'bad' }
    await put('upgraded', {}, { values })
    await syncWith('upgraded', 'Failed')
    bench.helmRuns()
    await put('kept', { enable: false })
    await put('upgraded', { enable: false }, { values })
    for (const name of ['kept', 'upgraded']) {
      expect(await isTrue(name, 'Released')).toBe('False')
      expect(await bench.sync(name)).toMatchObject({ end: 'done' })
      expect(await statusOf(name)).toMatchObject({ phase: 'Succeeded' })
      expect(await isTrue(name, 'Released')).toBe('True')
    }
    expect(bench.helmRuns()).toEqual([])
    expect(await revisionsOf('upgraded')).toBe(2)
  })
})
