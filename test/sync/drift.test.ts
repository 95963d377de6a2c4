import { afterEach, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import type { SourceSpec } from '../../src/domain/source/spec.ts'
import { configMap, deployment } from './manifests.ts'
import { createWorkbench, type Workbench } from './workbench.ts'

/** What becomes of fields that somebody else changed. */
describe('drift', () => {
  let bench: Workbench

  afterEach(async () => {
    await bench.close()
  })

  const ref = (kind: string, name: string, apiVersion = 'v1') => ({ apiVersion, kind, namespace: bench.target, name })
  const web = () => ref('Deployment', 'web', 'apps/v1')
  const replicas = async () => ((await bench.cluster.get(web()))?.spec as { replicas: number } | undefined)?.replicas

  async function seen(what: string, key: string, isSo: (live: ReturnType<Workbench['owned']['get']>) => boolean) {
    await until(what, async () => isSo(bench.owned.get(key)))
  }

  /** As somebody else, until our watch has seen it. */
  async function change(name: string, value: string): Promise<void> {
    const key = `/ConfigMap/${bench.target}/${name}`
    const before = bench.owned.get(key)?.resourceVersion
    await bench.cluster.patch(ref('ConfigMap', name), { data: { key: value } })
    await seen('the watch shows the change', key, (live) => live?.resourceVersion !== before)
  }

  async function begin(spec: Partial<SourceSpec>): Promise<void> {
    bench = await createWorkbench(spec)
    bench.push({ 'a.yaml': configMap('a', '1') })
    await bench.sync()
    bench.writes()
  }

  it('is only told where it is not corrected: fields, manager and time', async () => {
    await begin({ drift: 'warn' })
    await change('a', '2')
    expect((await bench.sync()).changes).toEqual([])
    const { ready, drifted, message } = await bench.status()
    expect({ ready, message }).toEqual({
      ready: true,
      message: '1 objects applied; 1 differences from git are only reported',
    })
    expect(drifted).toMatchObject([
      { id: `${bench.target}:configmap/a`, file: 'a.yaml', fields: ['.data.key'], reason: 'Drifted' },
    ])
    expect(drifted[0]?.manager).not.toBe('')
    expect(Date.parse(drifted[0]?.at ?? '')).toBeGreaterThan(Date.now() - 600_000)

    bench.writes()
    await bench.sync()
    expect(bench.writes()).toEqual([])

    bench.push({ 'a.yaml': configMap('a', '3') })
    await bench.sync()
    expect((await bench.cluster.get(ref('ConfigMap', 'a')))?.data).toEqual({ key: '3' })
    expect((await bench.status()).drifted).toEqual([])
  })

  it('is told where an object was deleted, which is not made again', async () => {
    await begin({ drift: 'warn' })
    await bench.cluster.delete(ref('ConfigMap', 'a'), {})
    await seen('the watch shows that it is gone', `/ConfigMap/${bench.target}/a`, (live) => live === undefined)
    await bench.sync()
    expect((await bench.status()).drifted).toMatchObject([
      { id: `${bench.target}:configmap/a`, fields: [], manager: '' },
    ])
    expect(await bench.cluster.get(ref('ConfigMap', 'a'))).toBeUndefined()
  })

  it('is nobody’s business where it is turned off', async () => {
    await begin({ drift: 'off' })
    await change('a', '2')
    await bench.sync()
    expect(await bench.status()).toMatchObject({ ready: true, drifted: [] })
    expect((await bench.cluster.get(ref('ConfigMap', 'a')))?.data).toEqual({ key: '2' })
  })

  it('is corrected once, told the next time, and corrected again after the sync interval', async () => {
    await begin({ syncIntervalMs: 300_000 })
    const data = async () => (await bench.cluster.get(ref('ConfigMap', 'a')))?.data
    bench.now = Date.now()
    await change('a', '2')
    await bench.sync()
    expect(await data()).toEqual({ key: '1' })

    await change('a', '3')
    bench.now += 10_000
    expect(await bench.outcome()).toMatchObject({ end: 'again', afterMs: 290_000 })
    expect((await bench.status()).drifted).toMatchObject([{ reason: 'DriftFight', fields: ['.data.key'] }])
    expect(await data()).toEqual({ key: '3' })

    bench.now += 290_000
    await bench.sync()
    expect(await data()).toEqual({ key: '1' })
    expect((await bench.status()).drifted).toEqual([])
  })

  it('is corrected at once where a person asks for it', async () => {
    await begin({ syncIntervalMs: 300_000 })
    for (const value of ['2', '3']) {
      await change('a', value)
      await bench.sync({ reason: 'requested by ann' })
      expect((await bench.cluster.get(ref('ConfigMap', 'a')))?.data).toEqual({ key: '1' })
    }
  })

  it('ends as a field conflict with a manager that takes a field back again and again', async () => {
    await begin({ syncIntervalMs: 10 })
    bench.now = Date.now()
    for (const value of ['2', '3', '4', '5']) {
      await change('a', value)
      bench.now += 1_000
      await bench.sync()
    }
    const { ready, reason, message } = await bench.status()
    expect({ ready, reason }).toEqual({ ready: false, reason: 'FieldConflict' })
    expect(message).toContain('.data.key')
    await change('a', '6')
    bench.now += 1_000
    await bench.sync()
    expect((await bench.cluster.get(ref('ConfigMap', 'a')))?.data).toEqual({ key: '6' })
    bench.now += 6 * 60_000
    await bench.sync()
    expect(await bench.status()).toMatchObject({ ready: true })
  })

  it('does not concern fields under an ignore rule: set once, then left alone', async () => {
    bench = await createWorkbench({ ignore: [{ kind: 'Deployment', pointers: ['/spec/replicas'] }] })
    bench.push({ 'web.yaml': deployment('web', 2) })
    await bench.sync()
    expect(await replicas()).toBe(2)
    await bench.cluster.patch(web(), { spec: { replicas: 5 } })
    await bench.sync()
    bench.push({ 'web.yaml': deployment('web', 2, '  labels: {tier: front}\n') })
    await bench.sync()
    expect(await replicas()).toBe(5)
    expect((await bench.cluster.get(web()))?.metadata.labels).toMatchObject({ tier: 'front' })
    expect((await bench.status()).ready).toBe(true)
  })

  it('leaves replicas to an autoscaler', async () => {
    bench = await createWorkbench()
    const autoscaler = `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  minReplicas: 1
  maxReplicas: 9
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]
`
    bench.push({ 'hpa.yaml': autoscaler, 'web.yaml': deployment('web', 2) })
    await bench.sync()
    await bench.cluster.patch(web(), { spec: { replicas: 7 } })
    await seen('the watch shows the drift', `apps/Deployment/${bench.target}/web`, (live) => live?.owned !== undefined)
    await until('replicas are left alone', async () => {
      await bench.sync()
      return (await replicas()) === 7
    })
    bench.push({ 'hpa.yaml': autoscaler, 'web.yaml': deployment('web', 2, '  labels: {tier: front}\n') })
    await bench.sync()
    expect(await replicas()).toBe(7)
  })

  it('does not take an object from another source that has it', async () => {
    const others: SourceSpec[] = []
    bench = await createWorkbench({}, others)
    bench.push({ 'a.yaml': configMap('a', '1') })
    await bench.sync()
    others.push({ ...bench.spec, name: 'first' })
    bench.spec.name = 'second'
    bench.spec.paths = ['x']
    bench.restart()
    bench.push({ 'a.yaml': configMap('a', '1'), 'x/a.yaml': configMap('a', '2') })
    await bench.outcome()
    expect((await bench.cluster.get(ref('ConfigMap', 'a')))?.data).toEqual({ key: '1' })
    expect(await bench.status()).toMatchObject({ ready: false, reason: 'DuplicateObject' })
  })
})
