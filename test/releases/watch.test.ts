import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Cluster } from '../../src/adapters/cluster/index.ts'
import type { KubeObject } from '../../src/domain/manifest/object.ts'
import type { ReleaseStatus } from '../../src/domain/release/phase.ts'
import { createRepository } from '../e2e/repository.ts'
import { isReleased, kind, type ReleaseWorld, startReleaseWorld } from './world.ts'
import { appliedStatus } from '../fakes/source-status.ts'

let world: ReleaseWorld
let cluster: Cluster
let namespace: string

beforeAll(async () => {
  // nothing here can be answered by the clock: the next look at everything is an hour away
  world = await startReleaseWorld(['--charts-sync-interval=1h', '--git-poll-interval=1s'])
  ;({ cluster, namespace } = world)
  await world.publish('1.0.0')
})

afterAll(async () => {
  await world.stop()
})

/** `done` gives the object once a watch shows it in the wanted state. */
async function seen(ref: { apiVersion: string; kind: string; name: string }, is: (object: KubeObject) => boolean) {
  const { apiVersion, name } = ref
  const { promise, resolve } = Promise.withResolvers<KubeObject>()
  const query = { apiVersion, kind: ref.kind, namespace, fieldSelector: `metadata.name=${name}` }
  const watch = cluster.watch(query, (event) => {
    const objects = event.type === 'replaced' ? event.items : event.type === 'changed' ? [event.object] : []
    const found = objects.find(is)
    if (found) resolve(found)
  })
  await watch.synced
  return { done: promise.finally(() => watch.stop()) }
}

/** `done` gives Capstan's record once it says that helm is about to run. */
async function begins(name: string): Promise<{ done: Promise<KubeObject> }> {
  const record = { apiVersion: 'v1', kind: 'ConfigMap', name: `capstan-release-${name}` }
  return await seen(record, ({ data }) => JSON.stringify(data).includes('intent'))
}

const chart = () => world.chart('1.0.0')
const put = async (name: string, spec: Record<string, unknown>) => await world.put(name, spec)

async function putReleased(name: string, spec: Record<string, unknown>): Promise<void> {
  const released = await seen({ ...kind, name }, isReleased)
  await put(name, { releaseName: name, chart: chart(), ...spec })
  await released.done
}

describe('a change of what a release names is answered, though the next look is an hour away', () => {
  it.each(['ConfigMap', 'Secret'] as const)('of a %s with its values', async (source) => {
    const name = source.toLowerCase()
    const ref = { apiVersion: 'v1', kind: source, name: `values-${name}` }
    const dataOf = (color: string) =>
      source === 'Secret'
        ? { stringData: { 'values.yaml': `color: ${color}` } }
        : { data: { 'values.yaml': `color: ${color}` } }
    await cluster.create({ ...ref, metadata: { name: ref.name, namespace }, ...dataOf('blue') })
    const key = source === 'Secret' ? 'secretKeyRef' : 'configMapKeyRef'
    await putReleased(name, { valuesFrom: [{ [key]: { name: ref.name } }] })
    for (const color of ['green', 'red']) {
      const shown = await seen({ apiVersion: 'v1', kind: 'ConfigMap', name: `${name}-config` }, (object) =>
        JSON.stringify(object.data).includes(color),
      )
      await cluster.patch({ ...ref, namespace }, dataOf(color))
      expect((await shown.done).metadata.namespace).toBe(namespace)
    }
  })

  it('of a Secret that was missing', async () => {
    const name = 'late'
    const waiting = await seen({ ...kind, name }, (object) => JSON.stringify(object.status).includes('InvalidValues'))
    await put(name, { releaseName: name, chart: chart(), valuesFrom: [{ secretKeyRef: { name: 'absent' } }] })
    await waiting.done
    const begun = await begins(name)
    const released = await seen({ ...kind, name }, isReleased)
    const metadata = { name: 'absent', namespace }
    await cluster.create({ apiVersion: 'v1', kind: 'Secret', metadata, stringData: { 'values.yaml': 'color: gray' } })
    await begun.done
    expect(isReleased(await released.done)).toBe(true)
  })

  it('of many in one namespace, which one watch follows', async () => {
    const names = Array.from({ length: 10 }, (_, index) => `many-${index}`)
    for (const name of names) {
      await cluster.create({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name, namespace },
        data: { 'values.yaml': '' },
      })
    }
    await putReleased('many', { valuesFrom: names.map((name) => ({ configMapKeyRef: { name } })) })
    const released = await seen({ apiVersion: 'v1', kind: 'ConfigMap', name: 'many-config' }, (object) =>
      JSON.stringify(object.data).includes('violet'),
    )
    const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace, name: 'many-7' }
    await cluster.patch(ref, { data: { 'values.yaml': 'color: violet' } })
    expect((await released.done).metadata.name).toBe('many-config')
  })
})

describe('a dependency that becomes ready wakes what waits for it', () => {
  it('a release', async () => {
    const waiting = await seen({ ...kind, name: 'top' }, (object) =>
      JSON.stringify(object.status).includes('DependencyNotReady'),
    )
    await put('top', { releaseName: 'top', chart: chart(), dependsOn: [{ name: 'base' }] })
    await waiting.done
    const base = await seen({ ...kind, name: 'base' }, isReleased)
    const top = await begins('top')
    const released = await seen({ ...kind, name: 'top' }, isReleased)
    await put('base', { releaseName: 'base', chart: chart() })
    await base.done
    await top.done
    expect(isReleased(await released.done)).toBe(true)
  })

  it('a source', async () => {
    const waiting = await seen({ ...kind, name: 'fed' }, (object) =>
      JSON.stringify(object.status).includes('DependencyNotReady'),
    )
    await put('fed', { releaseName: 'fed', chart: chart(), dependsOn: [{ kind: 'Source', name: 'base' }] })
    await waiting.done
    const begun = await begins('fed')
    const released = await seen({ ...kind, name: 'fed' }, isReleased)
    const data = { 'status.json': JSON.stringify(appliedStatus('abc')) }
    await cluster.create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'capstan-source-base', namespace },
      data,
    })
    await begun.done
    expect(isReleased(await released.done)).toBe(true)
  })
})

it('a commit in the repository of a chart is deployed by the interval of git', async () => {
  const git = await createRepository()
  onTestFinished(async () => await git.stop())
  const files = (version: string) => ({ 'app/Chart.yaml': `apiVersion: v2\nname: app\nversion: ${version}\n` })
  await git.push(files('1.0.0'))
  await putReleased('committed', { chart: { git: git.url, ref: 'main', path: 'app' } })
  const head = await git.change(files('1.1.0'))
  const upgraded = await seen(
    { ...kind, name: 'committed' },
    ({ status }) => (status as ReleaseStatus).revision === head,
  )
  expect((await upgraded.done).metadata.name).toBe('committed')
})
