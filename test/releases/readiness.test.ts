import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { healthOf } from '../../src/domain/health/check.ts'
import type { ReleaseStatus } from '../../src/domain/release/phase.ts'
import { createReleaseBench, hook, type ReleaseBench, template } from './workbench.ts'

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-web
spec:
  replicas: 1
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}}, annotations: {color: {{ .Values.color | quote }}}}
    spec: {nodeSelector: {capstan.dev/nowhere: "true"}, containers: [{name: a, image: none}]}
`

describe('waiting for readiness, with the real helm on the real API server', () => {
  let bench: ReleaseBench

  beforeAll(async () => {
    bench = await createReleaseBench()
    // what is waited for has no time but the one that a test gives it
    bench.stopClock()
    await bench.publish('1.0.0', { 'web.yaml': deployment, 'config.yaml': template })
    await bench.publish('1.1.0', {
      'config.yaml': template,
      'hook.yaml': hook('post-install,post-upgrade', 'ConfigMap'),
    })
  })

  afterAll(async () => {
    await bench.close()
  })

  const chart = (version: string) => ({ repository: bench.charts.url, name: 'demo', version })
  const statusOf = async (name: string) => ((await bench.get(name))?.status ?? {}) as ReleaseStatus
  const states = async (name: string) =>
    (JSON.parse(await bench.helm('history', name, '-o', 'json')) as { status: string }[]).map(({ status }) => status)
  /** No node takes its pods, so the Deployment is ready only without any. */
  const becomeReady = async (name: string) => {
    const ref = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: bench.namespace, name: `${name}-web` }
    await bench.cluster.patch(ref, { spec: { replicas: 0 } })
    await until('the controller has seen it', async () => {
      const found = await bench.cluster.get(ref)
      return found !== undefined && healthOf(found).state === 'healthy'
    })
  }

  it('holds no worker while it waits, and is deployed when all is ready', async () => {
    await bench.put('slow', { releaseName: 'slow', chart: chart('1.0.0'), wait: true })
    const why = expect.stringMatching(/^NotReady: waiting for .*:deployment\/slow-web: /) as string
    expect(await bench.sync('slow')).toMatchObject({ end: 'again', afterMs: 1000, why })
    expect(await statusOf('slow')).toMatchObject({ phase: 'Installing' })
    expect(await bench.sync('slow')).toMatchObject({ end: 'again' })
    expect(bench.helmRuns()).toEqual(['install'])
    expect(bench.arguments()).not.toContain('--wait')
    await becomeReady('slow')
    expect(await bench.sync('slow')).toMatchObject({ end: 'done' })
    expect(await statusOf('slow')).toMatchObject({ phase: 'Succeeded', releaseStatus: 'deployed' })
    bench.writes()
    expect(await bench.sync('slow')).toMatchObject({ end: 'done' })
    expect([bench.helmRuns(), bench.writes()]).toEqual([[], []])
  })

  it('rolls back to the last good revision what does not become ready in time', async () => {
    const spec = { releaseName: 'slow', chart: chart('1.0.0'), timeout: 60, rollback: { enable: true } }
    await bench.put('slow', { ...spec, values: { color: 'blue' } })
    expect(await bench.sync('slow')).toMatchObject({ end: 'again' })
    bench.advance(61_000)
    expect(await bench.sync('slow')).toMatchObject({
      end: 'again',
      why: expect.stringMatching(/^NotHealthy: not ready within 60 s: .*slow-web/) as string,
    })
    expect(await states('slow')).toEqual(['superseded', 'failed', 'deployed'])
    expect(await statusOf('slow')).toMatchObject({ phase: 'RolledBack', rollbackCount: 1 })
    expect(JSON.parse(await bench.helm('history', 'slow', '-o', 'json'))).toMatchObject([
      {},
      { description: expect.stringContaining('not ready within 60 s') as string },
      { description: 'Rollback to 1' },
    ])
    bench.helmRuns()
    expect(await bench.sync('slow')).toMatchObject({ end: 'again' })
    expect(bench.helmRuns()).toEqual([])
    await bench.put('slow', { ...spec, values: { color: 'red' } })
    expect(await bench.sync('slow')).toMatchObject({ end: 'again' })
    await becomeReady('slow')
    expect(await bench.sync('slow')).toMatchObject({ end: 'done' })
  })

  it('waits for a rollback without a worker, and says when it does not become ready in time', async () => {
    const spec = {
      releaseName: 'undone',
      chart: chart('1.0.0'),
      timeout: 60,
      rollback: { enable: true, wait: true, timeout: 60 },
    }
    await bench.put('undone', { ...spec, values: { color: 'one' } })
    await bench.sync('undone')
    await becomeReady('undone')
    await bench.sync('undone')
    await bench.put('undone', { ...spec, values: { color: 'two' } })
    await bench.sync('undone')
    bench.advance(61_000)
    bench.helmRuns()
    expect(await bench.sync('undone')).toMatchObject({ why: expect.stringMatching(/^NotReady: /) as string })
    expect(bench.helmRuns()).toEqual(['rollback'])
    expect(await statusOf('undone')).toMatchObject({ phase: 'RollingBack' })
    bench.advance(61_000)
    await bench.sync('undone')
    expect(await statusOf('undone')).toMatchObject({ phase: 'RollbackFailed' })
    expect(await states('undone')).toEqual(['superseded', 'failed', 'failed'])
    bench.advance(60_000)
    await bench.sync('undone')
    await becomeReady('undone')
    await bench.sync('undone')
    expect(bench.helmRuns()).toEqual(['rollback'])
    expect(await statusOf('undone')).toMatchObject({ phase: 'RolledBack', releaseStatus: 'deployed' })
  })

  it('tries again what was rolled back when its wait took longer than its back-off, and counts each rollback', async () => {
    const rollback = { enable: true, retry: true, maxRetries: 2 }
    const spec = { releaseName: 'retried', chart: chart('1.0.0'), timeout: 30, rollback }
    await bench.put('retried', { ...spec, values: { color: 'one' } })
    await bench.sync('retried')
    await becomeReady('retried')
    await bench.sync('retried')
    await bench.put('retried', { ...spec, values: { color: 'two' } })
    await bench.sync('retried')
    for (const rollbackCount of [1, 2]) {
      bench.helmRuns()
      bench.advance(31_000)
      expect(await bench.sync('retried')).toMatchObject({ why: expect.stringMatching(/^NotHealthy: /) as string })
      expect(await statusOf('retried')).toMatchObject({ phase: 'RolledBack', rollbackCount })
      expect(bench.helmRuns()).toEqual(['rollback'])
      expect(await bench.sync('retried')).toMatchObject({ why: expect.stringMatching(/^NotReady: /) as string })
      expect(bench.helmRuns()).toEqual(['upgrade'])
      expect(await statusOf('retried')).toMatchObject({ phase: 'Upgrading', rollbackCount })
    }
  })

  it('removes a first install that does not become ready in time', async () => {
    await bench.put('never', { releaseName: 'never', chart: chart('1.0.0'), wait: true, timeout: 60 })
    await bench.sync('never')
    bench.advance(61_000)
    bench.helmRuns()
    expect(await bench.sync('never')).toMatchObject({
      end: 'again',
      why: expect.stringContaining('NotHealthy') as string,
    })
    expect(bench.helmRuns()).toEqual(['uninstall'])
    expect((await bench.helm('list', '-a', '-q')).split('\n')).not.toContain('never')
    expect(await statusOf('never')).toMatchObject({ phase: 'DeployFailed' })
  })

  it('waits as long for it when it is installed again', async () => {
    await bench.put('later', { releaseName: 'later', chart: chart('1.0.0'), wait: true, timeout: 60 })
    await bench.sync('later')
    bench.advance(61_000)
    await bench.sync('later')
    for (const tries of [1, 2]) {
      bench.advance(tries * 15_000)
      bench.helmRuns()
      expect(await bench.sync('later')).toMatchObject({ why: expect.stringMatching(/^NotReady: /) as string })
      expect(bench.helmRuns()).toEqual(['install'])
      bench.advance(61_000)
      expect(await bench.sync('later')).toMatchObject({ why: expect.stringContaining('NotHealthy') as string })
      expect(bench.helmRuns()).toEqual(['uninstall'])
    }
  })

  it('lets helm wait where hooks come after readiness', async () => {
    await bench.put('hooked', { releaseName: 'hooked', chart: chart('1.1.0'), wait: true })
    expect(await bench.sync('hooked')).toMatchObject({ end: 'done' })
    expect(bench.arguments()).toContain('--wait')
  })
})
