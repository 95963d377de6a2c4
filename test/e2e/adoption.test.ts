import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import type { KubeObject } from '../../src/domain/manifest/object.ts'
import { kubectl as kubectlWith } from '../adoption/world.ts'
import { gitObjects } from './adopted-objects.ts'
import { type Capstan, startCapstan } from './capstan.ts'
import { type Fluxd, fluxdOf, syncTag } from './fluxd.ts'
import { kubectl, read } from './kubectl.ts'
import { lastWrites } from './last-writes.ts'
import { createRepository, type Repository } from './repository.ts'

type Body = Record<string, unknown>
type Source = { ready: boolean; reason: string; attempted: string; objects: number; failed: unknown[]; held: unknown[] }
type Container = { image: string; env?: { name: string; value?: string }[] }

/** What may never change when an object is taken over. */
type Identity = { uid: string; created: string }

describe('a cluster that fluxd leaves behind', () => {
  const space = `adopt-${randomBytes(3).toString('hex')}`
  const objects = gitObjects(space)
  const named = (name: string) => objects[name] as KubeObject
  const configMap = (name: string, metadata: Body = {}): KubeObject => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: space, ...metadata },
    data: { from: 'before' },
  })
  /** Removed from git while nobody looked: it has the mark, and nothing says that it should stay. */
  const left = configMap('left')
  const leftForGood = configMap('left-for-good', { annotations: { 'fluxcd.io/ignore': 'sync_only' } })
  const foreign = configMap('foreign')
  const unmarked = configMap('unmarked')
  const copied = configMap('copied')
  let repository: Repository
  let fluxd: Fluxd
  let capstan: Capstan
  let before: Map<string, Identity>
  /** What git made go, one by one. */
  const gone = new Set<string>()

  const file = (name: string) => `deploy/${name}.yaml`
  /** As git has it; one says no namespace and leaves that to a flag. */
  function textOf(name: string): string {
    const { namespace: _, ...homeless } = objects[name]?.metadata ?? { name: '' }
    const object = name === 'homeless' ? { ...objects[name], metadata: homeless } : objects[name]
    return `${JSON.stringify(object, null, 2)}\n`
  }

  /** What fluxd applied: all but what git says to ignore. */
  const applied = () => Object.values(objects).filter((object) => object !== objects.ignored)
  const source = async () => (await capstan.api<{ sources: Source[] }>('/api/v1/status')).sources[0]
  const liveOf = async (object: KubeObject) => await read(kindOf(object), space, object.metadata.name)
  const data = async (object: KubeObject) => (await liveOf(object))?.data

  async function identities(): Promise<Map<string, Identity>> {
    const all = [...Object.values(gitObjects(space)), left, leftForGood, foreign, unmarked, copied]
    const wanted = all.map((object) => JSON.stringify(object)).join('\n---\n')
    const found = await kubectlWith(['get', '-f', '-', '-o', 'json', '--ignore-not-found'], wanted)
    const { items } = JSON.parse(found) as { items: KubeObject[] }
    return new Map(
      items.map(({ kind, metadata }) => [
        `${kind}/${metadata.name}`,
        { uid: metadata.uid ?? '', created: metadata.creationTimestamp ?? '' },
      ]),
    )
  }

  /** Everything is the object that it was, but what is gone. */
  async function expectSame(): Promise<void> {
    expect(await identities()).toEqual(new Map([...before].filter(([name]) => !gone.has(name))))
  }

  async function specOf<T>(object: KubeObject): Promise<T> {
    return (await liveOf(object))?.spec as T
  }

  async function container(name: string): Promise<Container> {
    const { template } = await specOf<{ template: { spec: { containers: Container[] } } }>(named(name))
    return template.spec.containers[0] as Container
  }

  const environment = async (name: string) => (await container(name)).env?.map((entry) => entry.name)
  const replicas = async () => (await specOf<{ replicas: number }>(named('web'))).replicas
  const ports = async () => (await specOf<{ ports: unknown[] }>(named('service'))).ports

  /** Changes objects and pushes them; undefined removes one from git. */
  async function push(changes: Record<string, KubeObject | undefined>): Promise<string> {
    for (const [name, object] of Object.entries(changes)) {
      if (object) objects[name] = object
      else delete objects[name]
    }
    const files = Object.keys(changes).map((name) => [file(name), objects[name] && textOf(name)] as const)
    return await repository.change(Object.fromEntries(files))
  }

  async function synced(commit: string): Promise<void> {
    const { code, stderr } = await capstan.cli('sync')
    expect({ code, stderr, log: code === 0 ? '' : capstan.logFile }).toEqual({ code: 0, stderr, log: '' })
    await until('status is ready', async () => (await source())?.ready, { logFile: capstan.logFile })
    expect(await source()).toMatchObject({ attempted: `main@${commit}`, failed: [], held: [] })
    expect(await syncTag(repository)).toEqual({ commit, message: 'Sync pointer' })
  }

  const start = async () =>
    await startCapstan([
      `--git-url=${repository.url}`,
      '--git-branch=main',
      '--git-path=deploy',
      '--git-poll-interval=1h',
      '--sync-interval=1h',
      '--sync-garbage-collection',
      `--k8s-default-namespace=${space}`,
      '--enable=sync',
    ])

  beforeAll(async () => {
    repository = await createRepository()
    fluxd = fluxdOf(repository, ['deploy'])
    await repository.push(Object.fromEntries(Object.keys(objects).map((name) => [file(name), textOf(name)])))
    await kubectlWith(['apply', '-f', '-'], JSON.stringify(fluxd.marked(named('namespace'))))
    await kubectlWith(['apply', '-f', '-'], JSON.stringify(fluxd.marked(named('definition'))))
    await kubectl('wait', '--for=condition=Established', `crd/${named('definition').metadata.name}`, '--timeout=240s')
    await until('kubectl knows the kind', async () => {
      await kubectl('get', named('definition').metadata.name, '-n', space)
      return true
    })
    await fluxd.sync([...applied(), left, leftForGood])
    const stranger = fluxdOf(repository, ['elsewhere'])
    const copy = { ...copied, metadata: { ...copied.metadata, labels: fluxd.marked(left).metadata.labels ?? {} } }
    for (const object of [stranger.marked(foreign), unmarked, copy, { ...named('ignored'), data: { from: 'hand' } }])
      await kubectlWith(['apply', '-f', '-'], JSON.stringify(object))
    await peopleChangeThings(space)
    before = await identities()
    expect(before.size).toBe(Object.keys(objects).length + 5)
    capstan = await start()
  })

  afterAll(async () => {
    await capstan?.stop()
    await repository?.stop()
    const whole = gitObjects(space)
    for (const name of ['definition', 'reader', 'namespace'])
      await kubectl(
        'delete',
        kindOf(whole[name] as KubeObject),
        whole[name]?.metadata.name ?? '',
        '--ignore-not-found',
        '--wait=false',
      )
  })

  it('is taken over: the same objects, the left-over gone, the tag where it was', async () => {
    await synced(await repository.git('rev-parse', 'HEAD'))
    gone.add('ConfigMap/left')
    await expectSame()
    expect(await liveOf(left)).toBeUndefined()
    for (const object of [leftForGood, foreign, unmarked, copied])
      expect(await data(object)).toEqual({ from: 'before' })
    expect((await liveOf(foreign))?.metadata.labels).toEqual(
      fluxdOf(repository, ['elsewhere']).marked(foreign).metadata.labels,
    )
  })

  it('keeps the mark of fluxd on what it owns', async () => {
    for (const object of applied())
      expect((await liveOf(object))?.metadata.labels).toMatchObject({ 'fluxcd.io/sync-gc-mark': fluxd.mark(object) })
  })

  it('leaves what git or the live object says to ignore', async () => {
    expect(await data(named('ignored'))).toEqual({ from: 'hand' })
    expect(await data(named('byHand'))).toEqual({ from: 'hand' })
  })

  it('leaves fields that git does not speak of to people, and takes its own back', async () => {
    expect(await replicas()).toBe(3)
    expect(await container('web')).toMatchObject({ image: 'registry.example/web:1' })
    expect(await environment('web')).toEqual(expect.arrayContaining(['COLOUR', 'OLD', 'DEBUG']))
    expect((await read('deployment', space, 'web'))?.metadata.annotations).toMatchObject({
      team: 'blue',
      note: 'from git',
      oncall: 'jane',
    })
    expect(await data(named('settings'))).toEqual({ mode: 'fast', colour: 'green', extra: 'by hand' })
  })

  it('rolls nothing out where nothing differed, and writes nothing when asked again', async () => {
    // the checksum on a Deployment is written anew, which raises its generation, but never the template's
    const revision = await until('the first rollout has its number', async () => {
      const { annotations } = (await read('deployment', space, 'api'))?.metadata ?? {}
      return annotations?.['deployment.kubernetes.io/revision']
    })
    expect(revision).toBe('1')
    const first = await lastWrites(space)
    expect(first.length).toBeGreaterThan(10)
    expect((await capstan.cli('sync')).code).toBe(0)
    expect(await lastWrites(space)).toEqual(first)
  })

  it('takes fields away that leave git, though kubectl had set them', async () => {
    const { minReplicas: _min, targetCPUUtilizationPercentage: _cpu, ...scaled } = named('scaler').spec as Body
    const { note: _, ...annotations } = named('web').metadata.annotations ?? {}
    const commit = await push({
      web: withEnvironment({ ...named('web'), metadata: { ...named('web').metadata, annotations } }, ['COLOUR']),
      settings: { ...named('settings'), data: { mode: 'fast' } },
      service: {
        ...named('service'),
        spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
      },
      widget: { ...named('widget'), spec: { size: 2 } },
      reader: { ...named('reader'), rules: [{ apiGroups: [''], resources: ['nodes'], verbs: ['get'] }] },
      ancient: { ...named('ancient'), data: { new: 'yes' } },
      scaler: { ...named('scaler'), apiVersion: 'autoscaling/v2', spec: { ...scaled, metrics: [cpu(70)] } },
    })
    await synced(commit)
    expect((await environment('web'))?.sort()).toEqual(['COLOUR', 'DEBUG'])
    const live = (await liveOf(named('web')))?.metadata.annotations
    expect(live).toMatchObject({ team: 'blue', oncall: 'jane' })
    expect(live).not.toHaveProperty('note')
    expect(await data(named('settings'))).toEqual({ mode: 'fast', extra: 'by hand' })
    expect(await ports()).toHaveLength(1)
    expect(await specOf(named('widget'))).toEqual({ size: 2 })
    expect(await data(named('ancient'))).toEqual({ new: 'yes' })
    expect(await specOf(named('scaler'))).toEqual({ ...scaled, minReplicas: 1, metrics: [cpu(70)] })
    expect((await liveOf(named('reader')))?.rules).toEqual(named('reader').rules)
    expect(await replicas()).toBe(3)
    await expectSame()
  })

  it('deletes objects that leave git, but not what is kept for good', async () => {
    const commit = await push({ role: undefined, binding: undefined, migration: undefined, seed: undefined })
    await synced(commit)
    for (const name of ['Role/web', 'RoleBinding/web', 'Job/migration']) gone.add(name)
    await until('the Job is gone', async () => (await read('job', space, 'migration')) === undefined)
    await expectSame()
    expect((await read('configmap', space, 'seed'))?.data).toEqual({ from: 'git' })
  })

  it('can be handed back: the client-side apply of fluxd works and loses nothing', async () => {
    await capstan.kill('SIGTERM')
    await push({
      settings: { ...named('settings'), data: { mode: 'slow', night: 'on' } },
      web: withEnvironment(named('web'), ['COLOUR', 'FROM_FLUXD']),
      account: undefined,
    })
    await fluxd.sync(applied(), [gitObjects(space).account as KubeObject])
    gone.add('ServiceAccount/web')
    await expectSame()
    expect(await data(named('settings'))).toEqual({ mode: 'slow', night: 'on', extra: 'by hand' })
    expect((await environment('web'))?.sort()).toEqual(['COLOUR', 'DEBUG', 'FROM_FLUXD'])
    expect(await replicas()).toBe(3)
    expect(await ports()).toHaveLength(1)
    for (const object of applied())
      expect((await liveOf(object))?.metadata.labels).toMatchObject({ 'fluxcd.io/sync-gc-mark': fluxd.mark(object) })
  })

  it('is taken over again, with what fluxd set meanwhile', async () => {
    const commit = await push({
      settings: { ...named('settings'), data: { mode: 'slow' } },
      web: withEnvironment(named('web'), ['COLOUR']),
      nightly: undefined,
    })
    await capstan.start()
    await synced(commit)
    expect(await data(named('settings'))).toEqual({ mode: 'slow', extra: 'by hand' })
    expect((await environment('web'))?.sort()).toEqual(['COLOUR', 'DEBUG'])
    await until('the CronJob is gone', async () => (await read('cronjob', space, 'nightly')) === undefined)
    expect(await replicas()).toBe(3)
    for (const object of [leftForGood, foreign, unmarked, copied])
      expect(await data(object)).toEqual({ from: 'before' })
    gone.add('CronJob/nightly')
    await expectSame()
  })
})

const cpu = (averageUtilization: number) => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
})

/** With these variables alone. */
function withEnvironment(object: KubeObject, names: readonly string[]): KubeObject {
  const { template, ...spec } = object.spec as { template: { spec: { containers: Container[] } } & Body }
  const containers = template.spec.containers.map((one) => ({
    ...one,
    env: names.map((name) => ({ name, value: 'green' })),
  }))
  return { ...object, spec: { ...spec, template: { ...template, spec: { ...template.spec, containers } } } }
}

/** Between fluxd's last sync and the first of ours, by kubectl as people use it. */
async function peopleChangeThings(space: string): Promise<void> {
  const here = ['-n', space]
  await kubectl('scale', 'deployment/web', '--replicas=3', ...here)
  await kubectl('set', 'image', 'deployment/web', 'web=registry.example/web:by-hand', ...here)
  await kubectl('set', 'env', 'deployment/web', 'DEBUG=1', ...here)
  await kubectl('annotate', 'deployment/web', 'note=by hand', 'oncall=jane', '--overwrite', ...here)
  // as on a cluster that is older than the notes about who owns a field
  await kubectl('patch', 'configmap/ancient', '--type=merge', ...here, '-p', '{"metadata":{"managedFields":[{}]}}')
  const edit = ['--type=merge', '--field-manager=kubectl-edit', ...here, '-p']
  await kubectl('patch', 'configmap/settings', ...edit, '{"data":{"mode":"slow","extra":"by hand"}}')
  await kubectl('patch', 'configmap/by-hand', ...edit, '{"data":{"from":"hand"}}')
  await kubectl('annotate', 'configmap/by-hand', 'fluxcd.io/ignore=true', ...here)
}

/** As kubectl wants it: with group, so that no other definition of the same kind is meant. */
function kindOf({ apiVersion, kind }: KubeObject): string {
  const [group = '', version] = apiVersion.split('/')
  return version ? `${kind}.${version}.${group}` : kind
}
