import { afterEach, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { AppError } from '../../src/domain/error.ts'
import { gcMarkLabel } from '../../src/domain/manifest/annotations.ts'
import { gcMark } from '../../src/domain/manifest/gc-mark.ts'
import type { SourceSpec } from '../../src/domain/source/spec.ts'
import { statusRef } from '../../src/domain/source/status.ts'
import { syncSetOf } from '../../src/domain/source/sync-set.ts'
import type { WorkRequest } from '../../src/domain/work/job.ts'
import { watchDrift } from '../../src/jobs/drift.ts'
import { loadDesired } from '../../src/jobs/sync-source/desired.ts'
import { readLedger, writeLedger } from '../../src/jobs/sync-source/ledger.ts'
import { mirrorSource } from '../../src/jobs/source-conditions.ts'
import { publisher } from '../../src/main/source-work.ts'
import { planRemovals } from '../../src/jobs/plan-source/removals.ts'
import { hasOtherWriter } from '../../src/jobs/sync-source/marker.ts'
import { grant } from '../cluster/grant.ts'
import { createSyncMemory } from '../../src/jobs/sync-source/memory.ts'
import { configMap, deployment } from './manifests.ts'
import { createWorkbench, silent, type Workbench } from './workbench.ts'
import { appliedStatus } from '../fakes/source-status.ts'

/** Defects that a review found; each test says what ought to be. */
describe('what a review found', () => {
  let bench: Workbench

  afterEach(async () => {
    await bench.close()
  })

  const ref = (kind: string, name: string, apiVersion = 'v1') => ({ apiVersion, kind, namespace: bench.target, name })
  const read = async (name: string) => await bench.cluster.get(ref('ConfigMap', name))
  const keyOf = (name: string) => `/ConfigMap/${bench.target}/${name}`

  /** As somebody else, until our watch has seen it. */
  async function change(name: string, value: string): Promise<void> {
    const before = bench.owned.get(keyOf(name))?.resourceVersion
    await bench.cluster.patch(ref('ConfigMap', name), { data: { key: value } })
    await until('the watch shows the change', async () => bench.owned.get(keyOf(name))?.resourceVersion !== before)
  }

  async function remove(name: string): Promise<void> {
    await bench.cluster.delete(ref('ConfigMap', name), {})
    await until('the watch shows that it is gone', async () => bench.owned.get(keyOf(name)) === undefined)
  }

  it('T1 keeps an object that git now names by another API group', async () => {
    bench = await createWorkbench()
    const { target } = bench
    const newer = `apiVersion: events.k8s.io/v1
kind: Event
metadata: {name: e, namespace: ${target}}
eventTime: "2026-11-21T10:00:00.000000Z"
reportingController: example.com/x
reportingInstance: x
action: Test
reason: Test
type: Normal
regarding: {namespace: ${target}, kind: Pod, name: p}
`
    const older = `apiVersion: v1
kind: Event
metadata: {name: e, namespace: ${target}}
eventTime: "2026-11-21T10:00:00.000000Z"
reportingComponent: example.com/x
reportingInstance: x
action: Test
reason: Test
type: Normal
involvedObject: {namespace: ${target}, kind: Pod, name: p}
`
    bench.push({ 'e.yaml': older, 'a.yaml': configMap('a', '1') })
    await bench.sync()
    const before = await bench.cluster.get(ref('Event', 'e'))
    bench.push({ 'e.yaml': newer, 'a.yaml': configMap('a', '1') })
    const { changes } = await bench.sync()
    const after = await bench.cluster.get(ref('Event', 'e'))
    expect({
      changes: changes.map(({ action, message }) => `${action} ${message ?? ''}`),
      uid: after?.metadata.uid,
    }).toEqual({
      changes: expect.not.arrayContaining(['deleted ']),
      uid: before?.metadata.uid,
    })
  })

  it('T2 deletes nothing while the object that takes its place is left to another source', async () => {
    const others: SourceSpec[] = []
    bench = await createWorkbench({}, others)
    const theirs: SourceSpec = { ...bench.spec, origin: 'resource', name: 'other' }
    others.push(theirs)
    const mark = gcMark(syncSetOf(theirs), ref('ConfigMap', 'new'))
    await bench.cluster.create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'new', namespace: bench.target, labels: { [gcMarkLabel]: mark } },
    })
    bench.push({ 'a.yaml': configMap('old', '1'), 'b.yaml': configMap('b', '1') })
    await bench.sync()
    bench.push({ 'a.yaml': configMap('new', '1'), 'b.yaml': configMap('b', '1') })
    await bench.sync()
    expect((await bench.status()).failed).toMatchObject([{ reason: 'DuplicateObject' }])
    expect(await read('old')).toBeDefined()
  })

  it('T3 puts a field back once no rule leaves it alone', async () => {
    bench = await createWorkbench({ ignore: [{ pointers: ['/data/key'] }] })
    bench.push({ 'a.yaml': configMap('a', '1') })
    await bench.sync()
    await change('a', '2')
    await bench.sync()
    expect((await read('a'))?.data).toEqual({ key: '2' })
    bench.spec.ignore = []
    await bench.sync()
    expect((await read('a'))?.data).toEqual({ key: '1' })
  })

  it('T4 stays not ready while what was changed could not be put back', async () => {
    bench = await createWorkbench({ syncIntervalMs: 300_000 })
    bench.push({ 'a.yaml': configMap('a', '1') })
    await bench.sync()
    await change('a', '2')
    const apply = bench.cluster.apply.bind(bench.cluster)
    bench.cluster.apply = async () => {
      throw new AppError('ApplyRefused', 'a webhook is down')
    }
    await bench.sync()
    expect((await bench.status()).ready).toBe(false)
    bench.cluster.apply = apply
    await bench.sync()
    expect((await read('a'))?.data).toEqual({ key: '1' })
  })

  it('T5 lets a source be ready that ignores in git what another source has', async () => {
    const others: SourceSpec[] = []
    bench = await createWorkbench({}, others)
    const theirs: SourceSpec = { ...bench.spec, origin: 'resource', name: 'other' }
    others.push(theirs)
    const mark = gcMark(syncSetOf(theirs), ref('ConfigMap', 'a'))
    await bench.cluster.create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'a', namespace: bench.target, labels: { [gcMarkLabel]: mark } },
    })
    bench.push({ 'a.yaml': configMap('a', '1', '  annotations: {fluxcd.io/ignore: "true"}\n') })
    await bench.sync()
    expect(await bench.status()).toMatchObject({ ready: true, failed: [] })
  })

  it('T6 is not ready where a file could not be read again for an object that is gone', async () => {
    bench = await createWorkbench()
    bench.push({ 'a.yaml': configMap('a', '1') })
    await bench.sync()
    await remove('a')
    bench.git.read = async () => new Map()
    await bench.sync()
    expect(await bench.status()).toMatchObject({ ready: false, failedCount: 1 })
  })

  it('T9 is not woken by each change of a field that it has given up', async () => {
    bench = await createWorkbench({ syncIntervalMs: 10 })
    bench.push({ 'a.yaml': configMap('a', '1') })
    await bench.sync()
    bench.now = Date.now()
    for (const value of ['2', '3', '4', '5', '6']) {
      await change('a', value)
      bench.now += 1_000
      await bench.sync()
    }
    expect((await bench.status()).reason).toBe('FieldConflict')
    const woken: WorkRequest[] = []
    const enqueue = async (request: WorkRequest) => {
      woken.push(request)
      return { jobId: '' }
    }
    const sources = { list: () => [bench.spec], get: () => bench.spec, remote: async () => ({ url: '' }) }
    watchDrift({ ...bench, sources, enqueue, log: silent, now: () => new Date() })
    for (const value of ['7', '8', '9']) await change('a', value)
    expect(woken).toEqual([])
  })

  it('T10 names the object that was changed again', async () => {
    bench = await createWorkbench({ syncIntervalMs: 300_000 })
    bench.push({ 'a.yaml': configMap('a', '1') })
    await bench.sync()
    await change('a', '2')
    await bench.sync()
    await change('a', '2')
    await change('a', '1')
    const outcome = await bench.outcome()
    expect(JSON.stringify(outcome)).not.toContain('undefined')
  })

  it('T11 renders again when the source reads other paths of the same commit', async () => {
    bench = await createWorkbench()
    const commit = bench.push({ 'x/a.yaml': configMap('a', '1'), 'y/b.yaml': configMap('b', '1') })
    await bench.git.fetch({ url: bench.spec.url })
    const memory = createSyncMemory().of('n', 's')
    const load = async (paths: string[]) => {
      const spec = { ...bench.spec, paths }
      const deps = {
        git: bench.git,
        parse: async (files: readonly { path: string }[]) =>
          files.map(({ path }) => ({
            objects: [
              {
                head: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: path.replaceAll('/', '-') } },
                body: '{}',
                line: 1,
                digest: path,
              },
            ],
            problems: [],
            warnings: [],
          })),
        secrets: undefined,
        scopeOf: async () => ({ namespaced: true }),
        // as kustomize: everything is made of the paths
        render: async () => ({
          plainPaths: [],
          outputs: [{ file: `${paths[0]}/kustomization.yaml`, text: `made of ${paths[0]}`, generated: true }],
          problems: [],
          warnings: [],
        }),
      }
      const { objects } = await loadDesired(
        { spec, remote: { url: bench.spec.url }, commit },
        memory,
        deps as unknown as Parameters<typeof loadDesired>[2],
        new AbortController().signal,
      )
      return objects.map(({ file }) => file)
    }
    expect(await load(['x'])).toEqual(['x/kustomization.yaml'])
    expect(await load(['y'])).toEqual(['y/kustomization.yaml'])
  })

  it('T12 does not let go a mass deletion because other objects came', async () => {
    bench = await createWorkbench()
    const files = (from: number, to: number) =>
      Object.fromEntries(
        Array.from({ length: to - from }, (_, n) => [`${n + from}.yaml`, configMap(`c${n + from}`, '1')]),
      )
    bench.push(files(0, 20))
    await bench.sync()
    bench.push(files(12, 20))
    await bench.sync()
    expect((await bench.status()).reason).toBe('MassDeletion')
    bench.push(files(12, 30))
    await bench.sync()
    expect(await read('c0')).toBeDefined()
  })

  it('T13 makes an object that is deleted again and again at most once per sync interval', async () => {
    bench = await createWorkbench({ syncIntervalMs: 300_000 })
    bench.push({ 'a.yaml': configMap('a', '1') })
    await bench.sync()
    await remove('a')
    expect((await bench.sync()).changes.map(({ action }) => action)).toEqual(['created'])
    await remove('a')
    expect((await bench.sync()).changes).toEqual([])
  })

  it('T15 writes nothing again for an object whose labels in git came from a cluster', async () => {
    bench = await createWorkbench({ syncIntervalMs: 10 })
    bench.push({
      'a.yaml': configMap('a', '1', `  labels: {${gcMarkLabel}: sha256.somebody}\n`),
    })
    await bench.sync()
    bench.writes()
    await bench.sync()
    expect(bench.writes()).toEqual([])
  })

  it('T16 is ready where deletions are only logged', async () => {
    bench = await createWorkbench({ pruneDry: true })
    const files = (to: number) =>
      Object.fromEntries(Array.from({ length: to }, (_, n) => [`${n}.yaml`, configMap(`c${n}`, '1')]))
    bench.push(files(20))
    await bench.sync()
    bench.push(files(2))
    await bench.sync()
    expect(await bench.status()).toMatchObject({ ready: true })
  })

  it('T18 gives replicas back to git when the autoscaler is gone', async () => {
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
    const web = ref('Deployment', 'web', 'apps/v1')
    bench.push({ 'hpa.yaml': autoscaler, 'web.yaml': deployment('web', 2) })
    await bench.sync()
    const before = bench.owned.get(`apps/Deployment/${bench.target}/web`)?.owned
    await bench.cluster.patch(web, { spec: { replicas: 7 } })
    await until('drift is seen', async () => bench.owned.get(`apps/Deployment/${bench.target}/web`)?.owned !== before)
    await bench.sync()
    expect((await bench.cluster.get(web))?.spec).toMatchObject({ replicas: 7 })
    bench.push({ 'web.yaml': deployment('web', 2) })
    await bench.sync()
    await bench.sync()
    expect((await bench.cluster.get(web))?.spec).toMatchObject({ replicas: 2 })
  })

  it('T14 wakes the source that has an object, not another one that names it too', async () => {
    const others: SourceSpec[] = []
    bench = await createWorkbench({}, others)
    const theirs: SourceSpec = { ...bench.spec, origin: 'resource', name: 'other' }
    others.push(theirs)
    const mark = gcMark(syncSetOf(theirs), ref('ConfigMap', 'a'))
    const labels = { [gcMarkLabel]: mark }
    const theObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: bench.target, labels } }
    await bench.cluster.create(theObject)
    bench.push({ 'a.yaml': configMap('a', '1'), 'b.yaml': configMap('b', '1') })
    await bench.sync()
    const entry = { ref: ref('ConfigMap', 'a'), file: '', applied: 'x', owned: 'y', tried: '', triedAt: '' }
    bench.memory.of(bench.spec.namespace, 'other').inventory = {
      digest: '',
      inventory: new Map([[keyOf('a'), entry]]),
    }
    const woken: string[] = []
    const enqueue = async ({ name }: WorkRequest) => {
      woken.push(name)
      return { jobId: '' }
    }
    const sources = { list: () => [bench.spec], get: () => bench.spec, remote: async () => ({ url: '' }) }
    watchDrift({ ...bench, sources, enqueue, log: silent, now: () => new Date() })
    await change('a', '7')
    expect(woken).toEqual(['other'])
  })

  it('T19 says in the status why a sync could not be done at all', async () => {
    bench = await createWorkbench()
    bench.push({ 'a.yaml': configMap('a', '1') })
    await bench.sync()
    bench.git.tree = async () => {
      throw new AppError('SignatureInvalid', 'the text of the reason')
    }
    await bench.outcome().catch(() => {})
    expect(await bench.status()).toMatchObject({ ready: false, reason: 'SignatureInvalid' })
  })

  it('T20 is not woken by changes of an object that git tells it to ignore', async () => {
    bench = await createWorkbench()
    bench.push({ 'a.yaml': configMap('a', '1'), 'b.yaml': configMap('b', '1') })
    await bench.sync()
    const ignored = configMap('a', '1', '  annotations: {fluxcd.io/ignore: "true"}\n')
    bench.push({ 'a.yaml': ignored, 'b.yaml': configMap('b', '1') })
    await bench.sync()
    const woken: WorkRequest[] = []
    const enqueue = async (request: WorkRequest) => {
      woken.push(request)
      return { jobId: '' }
    }
    const sources = { list: () => [bench.spec], get: () => bench.spec, remote: async () => ({ url: '' }) }
    watchDrift({ ...bench, sources, enqueue, log: silent, now: () => new Date() })
    await change('a', '7')
    await bench.sync()
    await change('a', '8')
    expect(woken).toEqual([])
  })

  it('T21 lets another live process sync a source that nobody syncs now', async () => {
    bench = await createWorkbench()
    bench.push({ 'a.yaml': configMap('a', '1') })
    await bench.sync()
    const signal = new AbortController().signal
    const fence = { epoch: 'another', check() {}, isDead: async () => false }
    const packer = { pack: async () => new Uint8Array(), unpack: async () => '' }
    const deps = { cluster: bench.cluster, fence, packer, now: () => new Date() }
    const ledger = await readLedger(deps, bench.spec, undefined, signal)
    await expect(writeLedger(deps, bench.spec, { ...ledger, inventory: new Map() }, signal)).resolves.toBeDefined()
  })

  it('T23 does not say Ready in a Source whose repository cannot be fetched, because what it has is applied', async () => {
    bench = await createWorkbench()
    const failure = new AppError('GitUnreachable', 'no route to host')
    let status: Record<string, unknown> = {}
    const metadata = { namespace: bench.spec.namespace, name: 'default', uid: 'u' }
    const cluster = {
      get: async ({ kind }: { kind: string }) =>
        kind === 'Source' ? { apiVersion: '', kind, metadata, status } : undefined,
      patch: async (_: unknown, patch: { status: Record<string, unknown> }) => {
        status = { ...status, ...patch.status }
      },
      create: async () => ({}),
    }
    const store = {
      get: async () => JSON.stringify({ at: 'x', head: '', reason: failure.reason, message: failure.message }),
    }
    const parts = { cluster, store, log: silent, sources: {} } as unknown as Parameters<typeof publisher>[0]
    const spec: SourceSpec = { ...bench.spec, origin: 'resource', object: { uid: 'u', generation: 1, request: '' } }
    const deps = { cluster, log: silent, now: () => new Date() } as unknown as Parameters<typeof mirrorSource>[2]
    await mirrorSource(spec, failure, deps, new AbortController().signal)
    bench.push({ 'a.yaml': configMap('a', '1') })
    await bench.sync()
    await publisher(parts)(spec, await bench.status(), new AbortController().signal)
    expect(status.conditions).toMatchObject([{ type: 'Ready', status: 'False', reason: 'GitUnreachable' }])
  })

  it('T24 stores a status of whatever size the drift has', async () => {
    bench = await createWorkbench({ drift: 'warn' })
    const data = Array.from(
      { length: 9_000 },
      (_, n) => `  a-long-key-of-a-config-map-with-the-number-${n}: "1"\n`,
    ).join('')
    const head = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n`
    const names = ['a', 'b', 'c']
    bench.push(Object.fromEntries(names.map((name) => [`${name}.yaml`, head(name) + data])))
    await bench.sync()
    for (const name of names) {
      const before = await read(name)
      const other = Object.fromEntries(Object.keys(before?.data as object).map((key) => [key, '2']))
      await bench.cluster.patch(ref('ConfigMap', name), { data: other })
      const { resourceVersion } = (await read(name))?.metadata ?? {}
      await until('seen', async () => bench.owned.get(keyOf(name))?.resourceVersion === resourceVersion)
    }
    await bench.sync()
    expect((await bench.status()).drifted).toHaveLength(3)
  })

  it('T25 reads a file again that could not be read once', async () => {
    bench = await createWorkbench()
    bench.push({ 'a.yaml': configMap('a', '1') })
    const readBlobs = bench.git.read.bind(bench.git)
    bench.git.read = async () => new Map()
    await bench.sync()
    expect((await bench.status()).ready).toBe(false)
    bench.git.read = readBlobs
    await bench.sync()
    expect(await bench.status()).toMatchObject({ ready: true, failed: [] })
  })

  it('T28 waits for a dependency that does not exist any more, whatever it left behind', async () => {
    bench = await createWorkbench()
    const { namespace } = bench.spec
    const data = { 'status.json': JSON.stringify(appliedStatus('abc')) }
    const metadata = { namespace, name: statusRef({ namespace, name: 'base' }).name }
    await bench.cluster.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data })
    bench.spec.dependsOn = [{ namespace, name: 'base' }]
    bench.push({ 'a.yaml': configMap('a', '1') })
    await bench.outcome()
    expect(await bench.status()).toMatchObject({ ready: false, reason: 'DependencyNotReady' })
  })

  it('T29 keeps an approval that came while a sync was running', async () => {
    bench = await createWorkbench()
    bench.push({ 'a.yaml': configMap('a', '1') })
    await bench.sync()
    bench.push({ 'a.yaml': configMap('a', '2') })
    const apply = bench.cluster.apply.bind(bench.cluster)
    bench.cluster.apply = async (...given) => {
      await bench.cluster.patch(statusRef(bench.spec), { metadata: { annotations: { mine: 'kept' } } })
      return await apply(...given)
    }
    await bench.sync()
    expect(await bench.status()).toMatchObject({ ready: true })
  })

  it('T27 tells the plan the same as the sync does while somebody else moves the tag', async () => {
    bench = await createWorkbench()
    bench.push({ 'a.yaml': configMap('a', '1'), 'b.yaml': configMap('b', '1') })
    await bench.sync()
    const ledger = { status: { failed: [], held: [] }, annotations: {} }
    const entry = { ref: ref('ConfigMap', 'b'), file: '', applied: 'x', owned: 'y', tried: '', triedAt: '' }
    const live = bench.owned.get(keyOf('b'))
    const sync = {
      spec: { ...bench.spec, syncIntervalMs: 60_000 },
      ledger,
      commit: 'c',
      inventory: new Map([[keyOf('b'), entry]]),
      desired: { objects: [{ key: keyOf('a'), ref: ref('ConfigMap', 'a') }], withheld: new Set(), problems: [] },
      live: new Map([[keyOf('b'), live]]),
      mark: () => live?.mark ?? '',
      isOurs: () => true,
      rewrittenFrom: '',
      isUnseen: () => false,
      tag: { foreignAt: new Date().toISOString(), object: 'o' },
    } as unknown as Parameters<typeof planRemovals>[0]
    expect(hasOtherWriter(sync, new Date())).toBe(true)
    expect(planRemovals(sync, new Set(), new Date()).changes).toEqual([])
  })
})

describe('a source with an account of its own', () => {
  let bench: Workbench

  afterEach(async () => {
    await bench.close()
  })

  async function begin(rules: object[], spec: Partial<SourceSpec> = {}): Promise<void> {
    bench = await createWorkbench({ serviceAccount: 'deployer', ...spec })
    const account = { namespace: bench.spec.namespace, name: 'deployer' }
    await bench.cluster.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: account })
    await grant(bench.cluster, { account, in: bench.target, rules })
    const probe = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: bench.target, name: 'probe' } }
    const asAccount = bench.cluster.as({ namespace: account.namespace, serviceAccount: account.name })
    await until('its rights are known', async () => await asAccount.apply(probe, { force: true, dryRun: true }))
  }

  it('T7 may wait for the health of many objects with rights in one namespace', async () => {
    await begin([{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }], { wait: true })
    const claim = (n: number) =>
      `apiVersion: v1\nkind: Service\nmetadata: {name: s${n}, namespace: ${bench.target}}\nspec: {selector: {a: b}, ports: [{port: 80}]}\n`
    bench.push(Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`${n}.yaml`, claim(n)])))
    await bench.sync()
    expect(await bench.status()).toMatchObject({ ready: true })
  })

  it('T8 needs no right to list autoscalers', async () => {
    await begin([{ apiGroups: ['apps', ''], resources: ['deployments', 'configmaps'], verbs: ['*'] }])
    const placed = (text: string) => text.replace('metadata:\n', `metadata:\n  namespace: ${bench.target}\n`)
    bench.push({ 'a.yaml': placed(configMap('a', '1')), 'web.yaml': placed(deployment('web', 1)) })
    await bench.sync()
    expect(await bench.status()).toMatchObject({ ready: true })
  })
})
