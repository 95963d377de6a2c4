import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Plan } from '../../src/domain/plan/plan.ts'
import type { ReleaseStatus } from '../../src/domain/release/phase.ts'
import { requestJobName, requestKey } from '../../src/domain/work/request.ts'
import { changeRelease } from '../../src/jobs/change-release/index.ts'
import { planRelease } from '../../src/jobs/plan-release/index.ts'
import { createRequests, type Requests } from '../../src/jobs/requests.ts'
import type { RequestAsk } from '../../src/domain/work/request.ts'
import { randomBytes } from 'node:crypto'
import { createFakeStore } from '../fakes/store.ts'
import { createReleaseBench, type ReleaseBench, template } from './workbench.ts'

const secretTemplate = `apiVersion: v1
kind: Secret
metadata:
  name: {{ .Release.Name }}-secret
stringData:
  password: {{ .Values.secret | default "none" | quote }}
`
const extra = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-extra\ndata: {a: "1"}\n'

describe('what people ask about a release', () => {
  let bench: ReleaseBench
  let requests: Requests

  beforeAll(async () => {
    bench = await createReleaseBench()
    requests = createRequests({
      store: createFakeStore(),
      key: () => requestKey('a-token'),
      newId: () => randomBytes(16).toString('hex'),
      now: () => new Date(),
    })
    await bench.publish('1.0.0', { 'config.yaml': template, 'secret.yaml': secretTemplate })
    await bench.publish('1.1.0', { 'config.yaml': `${template}  more: "1"\n`, 'extra.yaml': extra })
    await bench.publish('2.0.0', { 'config.yaml': '{{ fail "no good" }}' })
  })

  afterAll(async () => {
    await bench.close()
  })

  const chart = (version: string) => ({ repository: bench.charts.url, name: 'demo', version })
  const color = async (name: string) => {
    const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: bench.namespace, name: `${name}-config` }
    return ((await bench.cluster.get(ref))?.data as Record<string, string> | undefined)?.color
  }
  const statusOf = async (name: string) => ((await bench.get(name))?.status ?? {}) as ReleaseStatus
  const releasedOf = async (name: string) => (await statusOf(name)).conditions?.find(({ type }) => type === 'Released')
  const history = async (name: string) =>
    JSON.parse(await bench.helm('history', name, '-o', 'json')) as { revision: number; status: string }[]

  /** Asks, and runs the job as a worker would. */
  async function ask(name: string, wanted: RequestAsk) {
    const { namespace } = bench
    const request = await requests.put({ namespace, name, by: 'ana', ask: wanted })
    const payload = { kind: wanted.kind, namespace, name: requestJobName(request), reason: 'test', requestedAt: '' }
    const enqueue = async () => ({ jobId: 'sync-release.1' })
    const deps = { ...bench.deps, requests, enqueue }
    const { signal } = new AbortController()
    const run = wanted.kind === 'plan-release' ? planRelease : changeRelease
    return { id: request.id, outcome: await run(payload, deps, signal).catch((error: Error) => error) }
  }

  async function plan(name: string, show: 'changes' | 'values' = 'changes'): Promise<Plan> {
    bench.writes()
    const { id } = await ask(name, { kind: 'plan-release', show })
    expect(bench.writes()).toEqual([])
    const made = await requests.plan(id)
    if (!made) throw new Error('there is no plan')
    return made
  }

  describe('a plan', () => {
    it('of a first install has every object, and no secret', async () => {
      const metadata = { name: 'login', namespace: bench.namespace }
      const stringData = { 'values.yaml': 'secret: hunter2hunter2\n' }
      await bench.cluster.create({ apiVersion: 'v1', kind: 'Secret', metadata, stringData })
      const valuesFrom = [{ secretKeyRef: { name: 'login' } }]
      await bench.put('planned', {
        releaseName: 'planned',
        chart: chart('1.0.0'),
        valuesFrom,
        values: { color: 'blue' },
      })
      const { state, revision, counts, changes } = await plan('planned')
      expect({ state, revision, counts }).toMatchObject({
        state: 'done',
        revision: 'demo@1.0.0',
        counts: { created: 2 },
      })
      expect(changes.map(({ id }) => id).toSorted()).toEqual([
        `${bench.namespace}:configmap/planned-config`,
        `${bench.namespace}:secret/planned-secret`,
      ])
      const text = JSON.stringify(changes)
      expect(text).toContain('color: blue')
      expect(text).not.toContain('hunter2')
    })

    it('of what is deployed has nothing', async () => {
      expect(await bench.sync('planned')).toMatchObject({ end: 'done' })
      expect(await plan('planned')).toMatchObject({ state: 'done', changes: [], counts: { unchanged: 2 } })
    })

    it('of an upgrade has what changes, what comes and what goes', async () => {
      await bench.put('planned', { releaseName: 'planned', chart: chart('1.1.0'), values: { color: 'green' } })
      const { changes, counts } = await plan('planned')
      expect(counts).toMatchObject({ created: 1, configured: 1, deleted: 1, unchanged: 0 })
      const configured = changes.find(({ action }) => action === 'configured')
      expect(configured?.diff).toContain('-  color: blue')
      expect(configured?.diff).toContain('+  color: green')
      expect(changes.find(({ action }) => action === 'deleted')?.id).toContain('planned-secret')
      expect(await color('planned')).toBe('blue')
    })

    it('that cannot be made says why, in helm’s words', async () => {
      await bench.put('planned', { releaseName: 'planned', chart: chart('2.0.0') })
      expect(await plan('planned')).toMatchObject({ state: 'failed', reason: 'RenderFailed' })
      expect((await plan('planned')).message).toContain('no good')
    })

    it('says that the release is suspended', async () => {
      await bench.put('planned', { releaseName: 'planned', chart: chart('1.1.0') })
      await bench.suspend('planned')
      expect((await plan('planned')).warnings).toEqual([expect.stringContaining('before it is resumed')])
    })
  })

  it('values have their sources, and those of Secrets are masked', async () => {
    const { cluster, namespace } = bench
    const data = { 'values.yaml': 'color: red\nmap: {a: 1}\n' }
    await cluster.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'base', namespace }, data })
    const valuesFrom = [{ configMapKeyRef: { name: 'base' } }, { secretKeyRef: { name: 'login' } }]
    const values = { color: 'blue', copy: 'hunter2hunter2' }
    await bench.put('sourced', { releaseName: 'sourced', chart: chart('1.0.0'), valuesFrom, values })
    const base = `ConfigMap ${namespace}/base, key values.yaml`
    expect((await plan('sourced', 'values')).values).toEqual([
      { path: 'color', value: '"blue"', source: 'spec.values', over: [base] },
      { path: 'copy', value: '"*****"', source: 'spec.values', over: [] },
      { path: 'map.a', value: '1', source: base, over: [] },
      { path: 'secret', value: '*****', source: `Secret ${namespace}/login, key values.yaml`, over: [] },
    ])
  })

  describe('a rollback', () => {
    const rollback = (revision: number) => ({ kind: 'change-release', change: 'rollback', revision }) as const

    beforeAll(async () => {
      for (const one of ['red', 'green', 'blue']) {
        await bench.put('back', { releaseName: 'back', chart: chart('1.0.0'), values: { color: one } })
        await bench.sync('back')
      }
    })

    it('goes to the last good revision, says who wished it, and stays', async () => {
      expect((await ask('back', rollback(0))).outcome).toEqual({
        end: 'done',
        summary: 'back to revision 2 → sync-release.1',
      })
      expect(await bench.sync('back')).toMatchObject({ end: 'again' })
      expect(await color('back')).toBe('green')
      expect((await releasedOf('back'))?.message).toBe(
        'RolledBack: rolled back to revision 2 by ana; it stays so until chart or values change',
      )
      bench.helmRuns()
      bench.writes()
      await bench.sync('back')
      expect(bench.helmRuns()).toEqual([])
      expect(bench.writes()).toEqual([])
    })

    it('goes further back the next time', async () => {
      const words = { summary: 'back to revision 1 → sync-release.1' }
      expect((await ask('back', rollback(0))).outcome).toMatchObject(words)
      await bench.sync('back')
      expect(await color('back')).toBe('red')
      expect((await ask('back', rollback(0))).outcome).toMatchObject({ reason: 'NoRevision' })
    })

    it('goes to a named revision', async () => {
      await ask('back', rollback(2))
      await bench.sync('back')
      expect(await color('back')).toBe('green')
      await ask('back', rollback(1))
      await bench.sync('back')
      expect(await color('back')).toBe('red')
      expect(await history('back')).toHaveLength(7)
    })

    it('ends when the inputs change, and is not done again', async () => {
      await bench.put('back', { releaseName: 'back', chart: chart('1.0.0'), values: { color: 'black' } })
      expect(await bench.sync('back')).toMatchObject({ end: 'done' })
      expect(await color('back')).toBe('black')
      expect((await releasedOf('back'))?.status).toBe('True')
      bench.helmRuns()
      expect(await bench.sync('back')).toMatchObject({ end: 'done' })
      expect(bench.helmRuns()).toEqual([])
    })

    it('is taken back with the annotation', async () => {
      await ask('back', rollback(1))
      await bench.sync('back')
      expect(await color('back')).toBe('red')
      const ref = { apiVersion: 'helm.fluxcd.io/v1', kind: 'HelmRelease', namespace: bench.namespace, name: 'back' }
      await bench.cluster.patch(ref, { metadata: { annotations: { 'capstan.dev/rollback': null } } })
      expect(await bench.sync('back')).toMatchObject({ end: 'done' })
      expect(await color('back')).toBe('black')
    })

    it('to a revision that helm does not have is refused', async () => {
      const { outcome } = await ask('back', rollback(99))
      expect(outcome).toMatchObject({ reason: 'NoRevision' })
      expect((await bench.get('back'))?.metadata.annotations).not.toHaveProperty(['capstan.dev/rollback'])
    })
  })

  it('suspends with who and why, and resumes', async () => {
    await bench.put('calm', { releaseName: 'calm', chart: chart('1.0.0'), values: { color: 'red' } })
    await bench.sync('calm')
    await ask('calm', { kind: 'change-release', change: 'suspend', why: 'it rains' })
    expect(await bench.sync('calm')).toMatchObject({
      summary: expect.stringMatching(/^suspended by ana at .*: it rains$/),
    })
    await ask('calm', { kind: 'change-release', change: 'resume' })
    expect(await bench.sync('calm')).toMatchObject({ end: 'done', summary: expect.stringContaining('calm revision 1') })
  })
})
