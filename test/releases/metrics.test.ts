import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { createMetrics } from '../../src/adapters/metrics/index.ts'
import { healthOf } from '../../src/domain/health/check.ts'
import { createReleaseBench, hook, type ReleaseBench, template } from './workbench.ts'

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ .Release.Name }}-web"}
spec:
  replicas: 1
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}}, annotations: {color: {{ .Values.color | quote }}}}
    spec: {nodeSelector: {capstan.dev/nowhere: "true"}, containers: [{name: a, image: none}]}
`

describe('the durations of releases, under the names of the Operator', () => {
  let bench: ReleaseBench
  let target: string
  const metrics = createMetrics()

  beforeAll(async () => {
    bench = await createReleaseBench()
    // what takes time takes what a test gives it
    bench.stopClock()
    bench.deps.ended = metrics.releaseEnded
    target = `${bench.namespace}-target`
    await bench.cluster.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: target } })
    await bench.publish('1.0.0', { 'config.yaml': template })
    await bench.publish('1.1.0', { 'config.yaml': template, 'test.yaml': hook('test', 'ConfigMap') })
    await bench.publish('2.0.0', {
      'config.yaml': 'apiVersion: v1\nkind: Service\nmetadata: {name: bad}\nspec: {ports: [{port: 700000}]}\n',
    })
    await bench.publish('3.0.0', { 'web.yaml': deployment })
  })

  afterAll(async () => {
    await bench.cluster.delete({ apiVersion: 'v1', kind: 'Namespace', name: target }, {})
    await bench.close()
  })

  const chart = (version: string) => ({ repository: bench.charts.url, name: 'demo', version })

  /** Of one release: action and success → how often, and how many seconds in all, as the text has it. */
  async function counted(release: string, namespace = bench.namespace): Promise<Record<string, [number, number]>> {
    const name = 'flux_helm_operator_release_action_duration_seconds'
    const found: Record<string, [number, number]> = {}
    for (const line of (await metrics.text()).text.split('\n')) {
      const [, what, labels = '', value] = new RegExp(`^${name}_(count|sum)\\{(.*)\\} (.*)$`).exec(line) ?? []
      const of = (label: string) => new RegExp(`${label}="([^"]*)"`).exec(labels)?.[1] ?? ''
      if (of('release_name') !== release || of('target_namespace') !== namespace) continue
      const row = (found[`${of('action')} ${of('success')}`] ??= [0, 0])
      row[what === 'count' ? 0 : 1] = Number(value)
    }
    return found
  }

  const becomeReady = async (name: string) => {
    const ref = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: bench.namespace, name: `${name}-web` }
    await bench.cluster.patch(ref, { spec: { replicas: 0 } })
    await until('the controller has seen it', async () => {
      const found = await bench.cluster.get(ref)
      return found !== undefined && healthOf(found).state === 'healthy'
    })
  }

  it('have the namespace of the release, each look, each action, and its end', async () => {
    await bench.put('away', { releaseName: 'away', targetNamespace: target, chart: chart('1.0.0') })
    await bench.sync('away')
    await bench.sync('away')
    expect(await counted('away', target)).toEqual({ 'sync true': [2, 0], 'install true': [1, 0] })
    const ref = { apiVersion: 'helm.fluxcd.io/v1', kind: 'HelmRelease', namespace: bench.namespace, name: 'away' }
    await bench.cluster.delete(ref, {})
    await bench.sync('away')
    expect(await counted('away', target)).toMatchObject({ 'uninstall true': [1, 0], 'sync true': [2, 0] })
    expect(await counted('away')).toEqual({})
  })

  it('have every action of a run by itself', async () => {
    const test = { enable: true }
    await bench.put('many', { releaseName: 'many', chart: chart('1.1.0'), test, wait: false })
    await bench.sync('many')
    expect(await counted('many')).toEqual({ 'sync true': [1, 0], 'install true': [1, 0], 'test true': [1, 0] })
    const rollback = { enable: true }
    await bench.put('many', { releaseName: 'many', chart: chart('2.0.0'), rollback, wait: false })
    await bench.sync('many')
    expect(await counted('many')).toMatchObject({
      'sync false': [1, 0],
      'upgrade false': [1, 0],
      'rollback true': [1, 0],
    })
    await bench.put('first', { releaseName: 'first', chart: chart('2.0.0') })
    await bench.sync('first')
    expect(await counted('first')).toEqual({
      'sync false': [1, 0],
      'install false': [1, 0],
      'uninstall true': [1, 0],
    })
  })

  it('have a run that had no chart, and one that the API server failed', async () => {
    await bench.put('none', { releaseName: 'none', chart: { ...chart('1.0.0'), name: 'absent' } })
    await bench.sync('none')
    expect(await counted('none')).toEqual({ 'sync false': [1, 0] })
    const { cluster } = bench.deps
    bench.deps.cluster = {
      ...cluster,
      get: async (ref, options) =>
        ref.kind === 'ConfigMap' ? Promise.reject(new Error('no API server')) : cluster.get(ref, options),
    }
    await expect(bench.sync('none')).rejects.toThrow('no API server')
    bench.deps.cluster = cluster
    expect(await counted('none')).toEqual({ 'sync false': [2, 0] })
  })

  it('have what is waited for once, with all the time that it took', async () => {
    const rollback = { enable: true, wait: true, timeout: 60 }
    const spec = { releaseName: 'slow', chart: chart('3.0.0'), timeout: 60, rollback }
    await bench.put('slow', { ...spec, values: { color: 'one' } })
    await bench.sync('slow')
    bench.advance(20_000)
    await bench.sync('slow')
    expect(await counted('slow')).toEqual({})
    bench.advance(20_000)
    await becomeReady('slow')
    await bench.sync('slow')
    expect(await counted('slow')).toEqual({ 'install true': [1, 40], 'sync true': [1, 40] })
    await bench.put('slow', { ...spec, values: { color: 'two' } })
    await bench.sync('slow')
    bench.advance(61_000)
    await bench.sync('slow')
    expect(await counted('slow')).toEqual({
      'install true': [1, 40],
      'sync true': [1, 40],
      'upgrade false': [1, 61],
    })
    bench.advance(10_000)
    await becomeReady('slow')
    await bench.sync('slow')
    expect(await counted('slow')).toEqual({
      'install true': [1, 40],
      'sync true': [1, 40],
      'upgrade false': [1, 61],
      'rollback true': [1, 10],
      'sync false': [1, 10],
    })
  })
})
