import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { type SourceStatus, statusRef } from '../../src/domain/source/status.ts'
import { fluxdSource, type SourceSpec } from '../../src/domain/source/spec.ts'
import { configMap } from './manifests.ts'
import { createWorkbench, type Workbench } from './workbench.ts'
import { appliedStatus } from '../fakes/source-status.ts'

/** Nobody gives it an address here, so its health is the test's own. */
const loadBalancer = `apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  type: LoadBalancer
  selector: {app: web}
  ports: [{port: 80}]
`

/** What a source waits for, and what it does meanwhile. */
describe('a source that is held', () => {
  let bench: Workbench
  let others: SourceSpec[]

  beforeEach(() => {
    others = []
  })
  afterEach(async () => {
    await bench.close()
  })

  function other(name: string, dependsOn: string[] = []): SourceSpec {
    return {
      ...bench.spec,
      ...fluxdSource,
      name,
      dependsOn: dependsOn.map((one) => ({ namespace: bench.spec.namespace, name: one })),
    }
  }

  async function putStatus(name: string, status: Partial<SourceStatus>): Promise<void> {
    const { apiVersion, kind, namespace, name: configMapName } = statusRef({ namespace: bench.spec.namespace, name })
    const data = { 'status.json': JSON.stringify(appliedStatus('abc', status)) }
    const found = await bench.cluster.get({ apiVersion, kind, namespace, name: configMapName })
    if (found) await bench.cluster.patch({ apiVersion, kind, namespace, name: configMapName }, { data })
    else await bench.cluster.create({ apiVersion, kind, metadata: { namespace, name: configMapName }, data })
  }

  it('applies nothing while it is suspended, says who and why, and goes on afterwards', async () => {
    bench = await createWorkbench()
    const first = bench.push({ 'a.yaml': configMap('a', '1') })
    await bench.sync()
    const ref = statusRef(bench.spec)
    const suspension = JSON.stringify({ by: 'ann', why: 'release freeze', since: '2026-11-21T08:00:00Z' })
    await bench.cluster.patch(ref, { metadata: { annotations: { 'capstan.dev/suspend': suspension, mine: 'kept' } } })
    bench.push({ 'a.yaml': configMap('a', '2') })

    expect(await bench.outcome()).toMatchObject({ end: 'done' })
    expect(await bench.status()).toMatchObject({
      ready: false,
      reason: 'Suspended',
      message: 'suspended by ann at 2026-11-21T08:00:00Z: release freeze',
      revision: `main@${first}`,
    })
    bench.writes()
    await bench.outcome()
    expect(bench.writes()).toEqual([])

    await bench.cluster.patch(ref, { metadata: { annotations: { 'capstan.dev/suspend': null } } })
    expect((await bench.sync()).changes.map(({ action }) => action)).toEqual(['configured'])
    const status = await bench.status()
    expect(status).toMatchObject({ ready: true, reason: '' })
    expect(status).not.toHaveProperty('suspended')
    expect((await bench.cluster.get(ref))?.metadata.annotations).toEqual({ mine: 'kept' })
  })

  it('waits for the source that it depends on, and is woken by it', async () => {
    bench = await createWorkbench({}, others)
    bench.push({ 'a.yaml': configMap('a', '1') })
    bench.spec.dependsOn = [{ namespace: bench.spec.namespace, name: 'base' }]
    others.push(other('base'))
    expect(await bench.outcome()).toMatchObject({ end: 'again' })
    expect(await bench.status()).toMatchObject({ ready: false, reason: 'DependencyNotReady' })

    await putStatus('base', { ready: false, message: '1 of 3 objects failed: no' })
    await bench.outcome()
    expect((await bench.status()).message).toContain('1 of 3 objects failed: no')

    await putStatus('base', { ready: true })
    expect((await bench.sync()).changes.map(({ action }) => action)).toEqual(['created'])
  })

  it('wakes the sources that depend on it when it becomes ready', async () => {
    bench = await createWorkbench({}, others)
    others.push(other('app', ['default']), other('free'))
    bench.push({ 'a.yaml': configMap('a', '1') })
    await bench.sync()
    expect(bench.enqueued).toMatchObject([{ kind: 'sync-source', name: 'app', lane: 'change' }])
    await bench.sync()
    expect(bench.enqueued).toHaveLength(1)
  })

  it('refuses dependencies that go in a circle', async () => {
    bench = await createWorkbench({}, others)
    bench.spec.dependsOn = [{ namespace: bench.spec.namespace, name: 'app' }]
    others.push(other('app', ['default']))
    bench.push({ 'a.yaml': configMap('a', '1') })
    await bench.outcome()
    const { reason, message } = await bench.status()
    expect(reason).toBe('DependencyCycle')
    expect(message).toMatch(/default → .*app → .*default/)
  })

  it('is not ready until its objects are healthy, and says which one is not', async () => {
    bench = await createWorkbench({ wait: true, waitTimeoutMs: 60_000 })
    bench.push({ 'a.yaml': configMap('a', '1'), 'web.yaml': loadBalancer })
    expect(await bench.outcome()).toMatchObject({ end: 'again' })
    const waiting = await bench.status()
    expect(waiting).toMatchObject({ ready: false, reason: 'NotReady', waiting: { count: 1 } })
    expect(waiting.message).toContain('service/web')
    expect(bench.memory.of(bench.spec.namespace, 'default').waitsForHealth).toBe(true)

    const ref = { apiVersion: 'v1', kind: 'Service', namespace: bench.target, name: 'web' }
    const status = { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } }
    await bench.cluster.patch(ref, { status }, { subresource: 'status' })
    await until('the source is ready', async () => {
      await bench.outcome()
      return (await bench.status()).ready
    })
    expect(await bench.status()).not.toHaveProperty('waiting')
  })

  it('says that its objects did not become healthy in time', async () => {
    bench = await createWorkbench({ wait: true, waitTimeoutMs: 60_000 })
    bench.push({ 'web.yaml': loadBalancer })
    bench.now = Date.parse('2026-11-21T08:00:00Z')
    await bench.outcome()
    bench.now += 59_000
    await bench.outcome()
    expect(await bench.status()).toMatchObject({ reason: 'NotReady' })
    bench.now += 1_000
    expect(await bench.outcome()).toMatchObject({ end: 'done' })
    expect(await bench.status()).toMatchObject({ ready: false, reason: 'NotHealthy' })
  })
})
