import { afterEach, describe, expect, it } from 'vitest'
import { gcMarkLabel } from '../../src/domain/manifest/annotations.ts'
import type { KubeObject } from '../../src/domain/manifest/object.ts'
import { until } from '../../playground/stack/until.ts'
import { configMap, deployment } from './manifests.ts'
import { createWorkbench, type Workbench } from './workbench.ts'

describe('syncSource on the real API server', () => {
  let bench: Workbench

  afterEach(async () => {
    await bench.close()
  })

  async function read(kind: string, name: string, apiVersion = 'v1'): Promise<KubeObject | undefined> {
    return await bench.cluster.get({ apiVersion, kind, namespace: bench.target, name })
  }

  it('applies everything, then writes nothing', async () => {
    bench = await createWorkbench()
    const commit = bench.push({ 'a.yaml': configMap('a', '1'), 'sub/web.yaml': deployment('web', 0) })
    const first = await bench.sync()
    expect(first.changes.map(({ action }) => action)).toEqual(['created', 'created'])
    expect(await bench.status()).toMatchObject({
      ready: true,
      revision: `main@${commit}`,
      attempted: `main@${commit}`,
      objects: 2,
    })

    bench.writes()
    expect((await bench.sync()).changes).toEqual([])
    expect(bench.writes()).toEqual([])

    bench.restart()
    await bench.sync()
    expect(bench.writes()).toEqual([])
  })

  it('applies only the file that changed and deletes the object of a file that is gone', async () => {
    bench = await createWorkbench()
    bench.push({ 'a.yaml': configMap('a', '1'), 'b.yaml': configMap('b', '1'), 'c.yaml': configMap('c', '1') })
    await bench.sync()
    bench.push({ 'a.yaml': configMap('a', '2'), 'b.yaml': configMap('b', '1') })
    const second = await bench.sync()
    expect(second.changes.map(({ id, action }) => [id, action])).toEqual([
      [`${bench.target}:configmap/a`, 'configured'],
      [`${bench.target}:configmap/c`, 'deleted'],
    ])
    expect(await read('ConfigMap', 'c')).toBeUndefined()
    expect((await read('ConfigMap', 'a'))?.data).toEqual({ key: '2' })
  })

  it('takes back a field that kubectl scale took, and names the manager', async () => {
    bench = await createWorkbench()
    bench.push({ 'web.yaml': deployment('web', 0) })
    await bench.sync()
    const ref = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: bench.target, name: 'web' }
    await bench.cluster.patch(ref, { spec: { replicas: 3 } })
    await until(
      'the watch shows the drift',
      async () => bench.owned.get(`apps/Deployment/${bench.target}/web`)?.resourceVersion !== undefined,
    )
    const corrected = await until('the drift is corrected', async () => {
      const { changes } = await bench.sync()
      return changes.find(({ action }) => action === 'configured')
    })
    expect(corrected.overruled?.join()).toContain('.spec.replicas')
    expect((await read('Deployment', 'web', 'apps/v1'))?.spec).toMatchObject({ replicas: 0 })
  })

  it('creates again what was deleted by hand', async () => {
    bench = await createWorkbench()
    bench.push({ 'a.yaml': configMap('a', '1') })
    await bench.sync()
    await bench.cluster.delete({ apiVersion: 'v1', kind: 'ConfigMap', namespace: bench.target, name: 'a' }, {})
    await until('it is there again', async () => {
      await bench.sync()
      return await read('ConfigMap', 'a')
    })
  })

  it('lets one bad file and one refused object fail alone, with file and line, and prunes nothing meanwhile', async () => {
    bench = await createWorkbench()
    bench.push({ 'a.yaml': configMap('a', '1'), 'gone.yaml': configMap('gone', '1') })
    await bench.sync()
    bench.push({
      'a.yaml': configMap('a', '2'),
      'bad.yaml': 'kind: [\n',
      'refused.yaml': 'apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  ports: [{port: 700000}]\n',
    })
    await bench.sync()
    const status = await bench.status()
    expect(status.ready).toBe(false)
    expect(status.failed.map(({ file, reason }) => [file, reason])).toEqual([
      ['bad.yaml', 'InvalidYAML'],
      ['refused.yaml', 'ApplyRefused'],
    ])
    expect(status.failed[1]?.line).toBe(1)
    expect((await read('ConfigMap', 'a'))?.data).toEqual({ key: '2' })
    expect(await read('ConfigMap', 'gone')).toBeDefined()
  })

  it('lets an object fail alone that only kubectl would refuse, keeps it, and prunes once the failure is older', async () => {
    bench = await createWorkbench({ syncState: 'git' })
    const faulty = configMap('a', '2', '  annotations: {fluxcd.io/automated: true}\n')
    const generated = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: g-}\n'
    bench.push({ 'a.yaml': configMap('a', '1'), 'b.yaml': configMap('b', '1'), 'gone.yaml': configMap('gone', '1') })
    await bench.sync()
    const files = { 'a.yaml': faulty, 'b.yaml': configMap('b', '1'), 'g.yaml': generated }
    const commit = bench.push(files)
    await bench.sync()
    const first = await bench.status()
    expect(first.failed.map(({ id, reason, file }) => [id, reason, file])).toEqual([
      ['<cluster>:configmap/a', 'InvalidYAML', 'a.yaml'],
      ['<cluster>:configmap/g-*', 'InvalidYAML', 'g.yaml'],
    ])
    expect(first.marker).toMatchObject({ commit, problem: '' })
    expect(await read('ConfigMap', 'gone')).toBeDefined()
    bench.push({ ...files, 'b.yaml': configMap('b', '2') })
    await bench.sync()
    expect(await read('ConfigMap', 'gone')).toBeUndefined()
    expect((await read('ConfigMap', 'a'))?.data).toEqual({ key: '1' })
  })

  it('prunes nothing where a generator stumbled over such an object, since nothing of what it makes is there', async () => {
    bench = await createWorkbench({ syncState: 'git' })
    const commit = bench.push({ 'a.yaml': configMap('a', '1'), 'made.yaml': configMap('made', '1') })
    await bench.sync()
    const object = { apiVersion: 'v1', kind: 'ConfigMap', name: 'b' }
    const problem = { reason: 'InvalidYAML' as const, file: '.flux.yaml', line: 0, message: 'b is odd', object }
    bench.render = async () => ({ plainPaths: undefined, outputs: [], problems: [problem], warnings: [] })
    for (const version of ['2', '3']) {
      bench.push({ 'a.yaml': configMap('a', version) })
      await bench.sync()
    }
    expect((await read('ConfigMap', 'a'))?.data).toEqual({ key: '3' })
    expect(await read('ConfigMap', 'made')).toBeDefined()
    expect((await bench.status()).marker?.commit).toBe(commit)
  })

  it('applies neither of two duplicates and deletes neither', async () => {
    bench = await createWorkbench()
    bench.push({ 'a.yaml': configMap('a', '1') })
    await bench.sync()
    bench.push({ 'a.yaml': configMap('a', '2'), 'again.yaml': configMap('a', '3') })
    await bench.sync()
    expect((await bench.status()).failed.map(({ reason }) => reason)).toEqual(['DuplicateObject'])
    expect((await read('ConfigMap', 'a'))?.data).toEqual({ key: '1' })
  })

  it('tells apart what was loaded whole and tried from what could not be read whole', async () => {
    const refused = 'apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  ports: [{port: 700000}]\n'
    bench = await createWorkbench()
    const whole = `main@${bench.push({ 'a.yaml': configMap('a', '1'), 'refused.yaml': refused })}`
    await bench.sync()
    expect(await bench.status()).toMatchObject({ revision: '', attempted: whole, loaded: whole })
    const broken = `main@${bench.push({ 'a.yaml': configMap('a', '2'), 'bad.yaml': 'kind: [\n' })}`
    await bench.sync()
    expect(await bench.status()).toMatchObject({ revision: '', attempted: broken, loaded: whole })
  })

  it('deletes nothing when the path is gone or the repository is empty', async () => {
    bench = await createWorkbench({ paths: ['deploy'] })
    bench.push({ 'deploy/a.yaml': configMap('a', '1') })
    await bench.sync()
    bench.push({ 'README.md': 'moved' })
    await bench.sync()
    expect(await bench.status()).toMatchObject({ ready: false, reason: 'PathNotFound' })
    bench.push({ 'deploy/README.md': 'nothing here' })
    await bench.sync()
    expect(await bench.status()).toMatchObject({ ready: false, reason: 'MassDeletion' })
    expect(await read('ConfigMap', 'a')).toBeDefined()
    bench.push({ 'deploy/a.yaml': configMap('a', '1') })
    await bench.sync()
    expect(await bench.status()).toMatchObject({ ready: true, reason: '' })
  })

  it('says that loading took too long, and touches nothing', async () => {
    bench = await createWorkbench()
    bench.push({ 'a.yaml': configMap('a', '1') })
    await bench.sync()
    bench.spec.syncTimeoutMs = 1
    bench.push({ 'b.yaml': configMap('b', '1') })
    await bench.sync()
    expect(await bench.status()).toMatchObject({ ready: false, reason: 'SyncTimeout' })
    expect(await read('ConfigMap', 'a')).toBeDefined()
  })

  it('applies definitions and their objects in one sync, and holds the deletion of a definition', async () => {
    bench = await createWorkbench()
    const group = `${bench.target}.example.com`
    const definition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.${group}}
spec:
  group: ${group}
  scope: Namespaced
  names: {kind: Thing, plural: things, singular: thing, listKind: ThingList}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`
    const thing = `apiVersion: ${group}/v1\nkind: Thing\nmetadata: {name: one}\nspec: {a: 1}\n`
    bench.push({ 'b.yaml': thing, 'crd.yaml': definition, 'cm.yaml': configMap('a', '1') })
    await bench.sync()
    expect(await bench.status()).toMatchObject({ ready: true, objects: 3 })
    const since = bench.push({ 'cm.yaml': configMap('a', '1') })
    const held = async () => (await bench.status()).held.map((one) => [one.id, one.reason, one.since])
    const expected = [[`<cluster>:customresourcedefinition/things.${group}`, 'DeleteHeld', since]]
    await bench.sync()
    expect(await held()).toEqual(expected)
    bench.push({ 'cm.yaml': configMap('a', '2') })
    bench.restart()
    await bench.sync()
    expect(await held()).toEqual(expected)
    await bench.cluster.delete(
      { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', name: `things.${group}` },
      {},
    )
  })

  it('reports a kind that nobody serves and applies the rest', async () => {
    bench = await createWorkbench()
    bench.push({
      'a.yaml': configMap('a', '1'),
      'x.yaml': 'apiVersion: nobody.example.com/v1\nkind: Nothing\nmetadata: {name: x}\n',
    })
    await bench.sync()
    expect((await bench.status()).failed.map(({ reason, file }) => [reason, file])).toEqual([['UnknownKind', 'x.yaml']])
    expect(await read('ConfigMap', 'a')).toBeDefined()
  })

  it('prunes though more failed long since than a status lists, and not while a new one does', async () => {
    bench = await createWorkbench()
    const monitors = (count: number) =>
      Array.from(
        { length: count },
        (_, index) => `apiVersion: nobody.example/v1\nkind: Monitor\nmetadata: {name: m-${index}}\n---\n`,
      ).join('')
    bench.push({ 'm.yaml': monitors(150), 'a.yaml': configMap('a', '1'), 'b.yaml': configMap('b', '1') })
    await bench.sync()
    expect(await bench.status()).toMatchObject({ failedCount: 150, failed: { length: 100 } })
    bench.push({ 'm.yaml': monitors(151), 'a.yaml': configMap('a', '1') })
    await bench.sync()
    expect(await read('ConfigMap', 'b')).toBeDefined()
    bench.push({ 'm.yaml': monitors(151), 'a.yaml': configMap('a', '2') })
    await bench.sync()
    expect(await read('ConfigMap', 'b')).toBeUndefined()
    bench.writes()
    await bench.sync()
    expect(bench.writes()).toEqual([])
  })

  it('leaves alone what is ignored in git or in the cluster', async () => {
    bench = await createWorkbench()
    const ignored = '  annotations: {fluxcd.io/ignore: "true"}\n'
    bench.push({ 'a.yaml': configMap('a', '1'), 'b.yaml': configMap('b', '1', ignored) })
    await bench.sync()
    expect(await read('ConfigMap', 'b')).toBeUndefined()
    const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: bench.target, name: 'a' }
    await bench.cluster.patch(ref, { metadata: { annotations: { 'fluxcd.io/ignore': 'true' } }, data: { key: 'mine' } })
    bench.push({ 'a.yaml': configMap('a', '2'), 'b.yaml': configMap('b', '1', ignored) })
    bench.restart()
    await bench.sync()
    expect((await read('ConfigMap', 'a'))?.data).toEqual({ key: 'mine' })
  })

  /** Status and inventory. */
  async function loseLedger(): Promise<void> {
    const { namespace } = bench.spec
    for (const { metadata } of await bench.cluster.list({ apiVersion: 'v1', kind: 'ConfigMap', namespace })) {
      if (metadata.labels?.['capstan.dev/source'])
        await bench.cluster.delete({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name: metadata.name }, {})
    }
  }

  it('adopts what carries its mark when there is no inventory, so that what left git still goes, also the last of a kind', async () => {
    bench = await createWorkbench()
    const job = `apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 3 * * *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: x, image: registry.example/x:1}]}}}}
`
    bench.push({ 'a.yaml': configMap('a', '1'), 'b.yaml': configMap('b', '1'), 'job.yaml': job })
    await bench.sync()
    expect(await read('CronJob', 'nightly', 'batch/v1')).toBeDefined()
    await loseLedger()
    bench.restart()
    bench.push({ 'a.yaml': configMap('a', '1') })
    await bench.sync()
    expect(await read('ConfigMap', 'b')).toBeUndefined()
    expect(await read('CronJob', 'nightly', 'batch/v1')).toBeUndefined()
    expect(await bench.status()).toMatchObject({ ready: true, objects: 1 })
  })

  it('adopts it also when the first try came to nothing', async () => {
    bench = await createWorkbench()
    bench.push({ 'a.yaml': configMap('a', '1'), 'b.yaml': configMap('b', '1') })
    await bench.sync()
    await loseLedger()
    bench.restart()
    bench.push({ 'a.yaml': configMap('a', '1') })
    bench.spec.suspended = { by: 'me', why: 'not yet', since: '' }
    await bench.outcome()
    expect(await bench.status()).toMatchObject({ reason: 'Suspended' })
    bench.spec.suspended = undefined
    await bench.sync()
    expect(await read('ConfigMap', 'b')).toBeUndefined()
  })

  it('deletes what left git because a path was taken out, although its mark is that of the earlier paths', async () => {
    bench = await createWorkbench({ paths: ['a', 'b'] })
    bench.push({ 'a/a.yaml': configMap('a', '1'), 'b/b.yaml': configMap('b', '1') })
    await bench.sync()
    const mark = async (name: string) => (await read('ConfigMap', name))?.metadata.labels?.[gcMarkLabel]
    const before = await mark('a')
    bench.spec.paths = ['a']
    bench.restart()
    const { changes } = await bench.sync()
    expect(changes.map(({ id, action }) => [id, action])).toEqual([
      [`${bench.target}:configmap/a`, 'configured'],
      [`${bench.target}:configmap/b`, 'deleted'],
    ])
    expect(await mark('a')).not.toBe(before)
    expect(await read('ConfigMap', 'b')).toBeUndefined()
    bench.writes()
    await bench.sync()
    expect(bench.writes()).toEqual([])
  })

  it('knows the earlier paths when it is stopped after the first new mark', async () => {
    bench = await createWorkbench({ paths: ['a', 'b'] })
    bench.push({ 'a/a.yaml': configMap('a', '1'), 'b/b.yaml': configMap('b', '1') })
    await bench.sync()
    bench.spec.paths = ['a']
    const stop = new AbortController()
    const apply = bench.cluster.apply.bind(bench.cluster)
    bench.cluster.apply = async (...given) => {
      const applied = await apply(...given)
      stop.abort(new Error('killed'))
      return applied
    }
    await bench.sync({ signal: stop.signal }).catch(() => undefined)
    expect(await read('ConfigMap', 'b')).toBeDefined()
    bench.cluster.apply = apply
    bench.restart()
    await bench.sync()
    expect(await read('ConfigMap', 'b')).toBeUndefined()
  })

  it('finishes the work of a run that was stopped at any write', async () => {
    bench = await createWorkbench()
    const files = Object.fromEntries(Array.from({ length: 8 }, (_, n) => [`${n}.yaml`, configMap(`c${n}`, '1')]))
    for (const stopAfter of [0, 1, 2, 3, 5, 9]) {
      bench.push(
        Object.fromEntries(Object.entries(files).map(([path, text]) => [path, text.replace('"1"', `"${stopAfter}"`)])),
      )
      const stop = new AbortController()
      const original = bench.cluster.apply.bind(bench.cluster)
      let seen = 0
      bench.cluster.apply = async (...args) => {
        if (seen++ === stopAfter) stop.abort(new Error('killed'))
        return await original(...args)
      }
      await bench.sync({ signal: stop.signal }).catch(() => undefined)
      bench.cluster.apply = original
      bench.restart()
      await bench.sync()
      for (let n = 0; n < 8; n++) expect((await read('ConfigMap', `c${n}`))?.data).toEqual({ key: `${stopAfter}` })
      expect(await bench.status()).toMatchObject({ ready: true, objects: 8 })
    }
  })
})
