import { afterEach, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { AppError } from '../../src/domain/error.ts'
import { gcMarkLabel } from '../../src/domain/manifest/annotations.ts'
import { gcMark } from '../../src/domain/manifest/gc-mark.ts'
import type { SourceSpec } from '../../src/domain/source/spec.ts'
import { syncSetOf } from '../../src/domain/source/sync-set.ts'
import type { WorkRequest } from '../../src/domain/work/job.ts'
import { watchDrift } from '../../src/jobs/drift.ts'
import { loadDesired } from '../../src/jobs/sync-source/desired.ts'
import { createSyncMemory } from '../../src/jobs/sync-source/memory.ts'
import { configMap } from './manifests.ts'
import { createWorkbench, silent, type Workbench } from './workbench.ts'

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
})
