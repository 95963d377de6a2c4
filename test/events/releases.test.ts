import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Deployment } from '../../src/domain/event/deployment.ts'
import type { Event } from '../../src/domain/event/event.ts'
import { requestJobName, requestKey } from '../../src/domain/work/request.ts'
import { changeRelease } from '../../src/jobs/change-release/index.ts'
import { deploymentStream, eventStream } from '../../src/domain/event/stored.ts'
import { createHistory } from '../../src/jobs/history.ts'
import { createRequests } from '../../src/jobs/requests.ts'
import { createFakeStore, type FakeStore } from '../fakes/store.ts'
import { createReleaseBench, type ReleaseBench, template } from '../releases/workbench.ts'

const pod = `apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ .Release.Name }}-web"}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: "app:{{ .Chart.Version }}"
`

describe('what is told of releases', () => {
  let bench: ReleaseBench
  let told: FakeStore

  beforeAll(async () => {
    bench = await createReleaseBench()
    await bench.publish('1.0.0', { 'config.yaml': template, 'web.yaml': pod })
    await bench.publish('1.1.0', { 'config.yaml': template, 'web.yaml': pod })
  })
  beforeEach(() => {
    told = createFakeStore()
    const history = createHistory({ store: told, redact: bench.deps.redactor.redact, log: bench.deps.log })
    bench.deps.history = history('a-job')
  })
  afterAll(() => bench.close())

  const chart = (version: string) => ({ repository: bench.charts.url, name: 'demo', version })
  async function read<T>(stream: string): Promise<T[]> {
    const entries = await told.page(stream, { order: 'oldest', limit: 100 })
    return entries.map(({ entry }) => JSON.parse(entry.json ?? '') as T)
  }
  const events = async () => await read<Event>(eventStream)
  const records = async () => await read<Deployment>(deploymentStream)

  it('is an install, an upgrade and their records; an idle run tells nothing', async () => {
    await bench.put('one', { releaseName: 'one', chart: chart('1.0.0'), values: {} })
    await bench.sync('one', { reason: 'generation 1' })
    await bench.sync('one')
    await bench.put('one', { releaseName: 'one', chart: chart('1.1.0'), values: {} })
    await bench.sync('one', { reason: 'requested by ann' })
    const source = { kind: 'release', namespace: bench.namespace, name: 'one' }
    expect(await events()).toMatchObject([
      {
        type: 'helm_release',
        severity: 'info',
        source,
        metadata: { action: 'install', chart: 'demo 1.0.0', helmRevision: 1 },
      },
      {
        type: 'helm_release',
        severity: 'info',
        source,
        metadata: { action: 'upgrade', chart: 'demo 1.1.0', helmRevision: 2 },
      },
    ])
    expect(await records()).toMatchObject([
      {
        cause: { why: 'generation 1' },
        before: '',
        revision: '1.0.0',
        helmRevision: 1,
        images: ['app:1.0.0'],
        counts: { install: 1 },
      },
      {
        cause: { by: 'ann' },
        before: '1.0.0',
        revision: '1.1.0',
        helmRevision: 2,
        images: ['app:1.1.0'],
        job: 'a-job',
      },
    ])
    const [first, second] = await records()
    expect(first?.chartDigest).not.toBe(second?.chartDigest)
    expect(first?.valuesDigest).toBe(second?.valuesDigest)
  })

  it('is a chart that is not there, once, and its removal', async () => {
    await bench.put('two', { releaseName: 'two', chart: chart('1.0.0') })
    await bench.sync('two')
    await bench.put('two', { releaseName: 'two', chart: chart('9.9.9') })
    for (let times = 0; times < 3; times++) await bench.sync('two')
    expect((await events()).slice(1)).toMatchObject([
      { severity: 'error', logLevel: 'error', reason: 'ChartNotFound', metadata: { action: 'prepare' } },
    ])
    expect((await records()).slice(1)).toMatchObject([{ outcome: 'failed', reason: 'ChartNotFound', before: '1.0.0' }])
    const ref = { apiVersion: 'helm.fluxcd.io/v1', kind: 'HelmRelease', namespace: bench.namespace, name: 'two' }
    await bench.cluster.delete(ref, {})
    await bench.sync('two')
    expect((await events()).at(-1)).toMatchObject({ metadata: { action: 'uninstall' }, severity: 'info' })
  })

  it('is who suspended it and why', async () => {
    await bench.put('three', { releaseName: 'three', chart: chart('1.0.0') })
    const requests = createRequests({
      store: told,
      key: () => requestKey('a-token'),
      newId: () => randomBytes(16).toString('hex'),
      now: () => new Date(),
    })
    const ask = { kind: 'change-release', change: 'suspend', why: 'audit' } as const
    const request = await requests.put({ namespace: bench.namespace, name: 'three', by: 'ana', ask })
    const payload = {
      kind: ask.kind,
      namespace: bench.namespace,
      name: requestJobName(request),
      reason: 'x',
      requestedAt: '',
    }
    const deps = { ...bench.deps, requests, enqueue: async () => ({ jobId: 'sync-release.1' }) }
    await changeRelease(payload, deps, new AbortController().signal)
    expect(await events()).toMatchObject([
      {
        type: 'suspend',
        reason: 'Suspended',
        message: 'suspended, by ana: audit',
        metadata: { user: 'ana', message: 'audit' },
      },
    ])
  })
})
