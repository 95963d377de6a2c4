import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cluster } from '../../src/adapters/cluster/index.ts'
import type { KubeObject } from '../../src/domain/manifest/object.ts'
import { isReleased, kind, type ReleaseWorld, startReleaseWorld } from './world.ts'

let world: ReleaseWorld
let cluster: Cluster
let namespace: string

beforeAll(async () => {
  // nothing here can be answered by the clock: the next look at everything is an hour away
  world = await startReleaseWorld(['--charts-sync-interval=1h'])
  ;({ cluster, namespace } = world)
  await world.publish('1.0.0')
})

afterAll(async () => {
  await world.stop()
})

/** Resolves with the time, by `performance.now()`, at which a watch shows the object in the wanted state. */
async function seen(ref: { apiVersion: string; kind: string; name: string }, is: (object: KubeObject) => boolean) {
  const { apiVersion, name } = ref
  const { promise, resolve } = Promise.withResolvers<number>()
  const query = { apiVersion, kind: ref.kind, namespace, fieldSelector: `metadata.name=${name}` }
  const watch = cluster.watch(query, (event) => {
    const objects = event.type === 'replaced' ? event.items : event.type === 'changed' ? [event.object] : []
    if (objects.some(is)) resolve(performance.now())
  })
  await watch.synced
  return { at: promise.finally(() => watch.stop()) }
}

/** Resolves when Capstan's record says that helm is about to run. */
async function begins(name: string): Promise<{ at: Promise<number> }> {
  const record = { apiVersion: 'v1', kind: 'ConfigMap', name: `capstan-release-${name}` }
  return await seen(record, ({ data }) => JSON.stringify(data).includes('intent'))
}

const chart = () => world.chart('1.0.0')
const put = async (name: string, spec: Record<string, unknown>) => await world.put(name, spec)

async function putReleased(name: string, spec: Record<string, unknown>): Promise<void> {
  const done = await seen({ ...kind, name }, isReleased)
  await put(name, { releaseName: name, chart: chart(), ...spec })
  await done.at
}

/** The best of three, in milliseconds: other work on the machine may take a turn in between. */
async function fastest(run: (turn: number) => Promise<number>): Promise<number> {
  return Math.min(await run(1), await run(2), await run(3))
}

describe('a change of what a release names is answered within a second', () => {
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
    const ms = await fastest(async (turn) => {
      const begun = await begins(name)
      const done = await seen({ apiVersion: 'v1', kind: 'ConfigMap', name: `${name}-config` }, (object) =>
        JSON.stringify(object.data).includes(`color-${turn}`),
      )
      const started = performance.now()
      await cluster.patch({ ...ref, namespace }, dataOf(`color-${turn}`))
      await done.at
      return (await begun.at) - started
    })
    expect(ms).toBeLessThan(1000)
  })

  it('of a Secret that was missing', async () => {
    const name = 'late'
    const waiting = await seen({ ...kind, name }, (object) => JSON.stringify(object.status).includes('InvalidValues'))
    await put(name, { releaseName: name, chart: chart(), valuesFrom: [{ secretKeyRef: { name: 'absent' } }] })
    await waiting.at
    const begun = await begins(name)
    const done = await seen({ ...kind, name }, isReleased)
    const started = performance.now()
    const metadata = { name: 'absent', namespace }
    await cluster.create({ apiVersion: 'v1', kind: 'Secret', metadata, stringData: { 'values.yaml': 'color: gray' } })
    expect((await begun.at) - started).toBeLessThan(2000)
    await done.at
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
    const done = await seen({ apiVersion: 'v1', kind: 'ConfigMap', name: 'many-config' }, (object) =>
      JSON.stringify(object.data).includes('violet'),
    )
    const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace, name: 'many-7' }
    await cluster.patch(ref, { data: { 'values.yaml': 'color: violet' } })
    await done.at
  })
})

describe('a dependency that becomes ready wakes what waits for it within a second', () => {
  it('a release', async () => {
    const waiting = await seen({ ...kind, name: 'top' }, (object) =>
      JSON.stringify(object.status).includes('DependencyNotReady'),
    )
    await put('top', { releaseName: 'top', chart: chart(), dependsOn: [{ name: 'base' }] })
    await waiting.at
    const base = await seen({ ...kind, name: 'base' }, isReleased)
    const top = await begins('top')
    const done = await seen({ ...kind, name: 'top' }, isReleased)
    await put('base', { releaseName: 'base', chart: chart() })
    const ready = await base.at
    expect((await top.at) - ready).toBeLessThan(2000)
    await done.at
  })

  it('a source', async () => {
    const waiting = await seen({ ...kind, name: 'fed' }, (object) =>
      JSON.stringify(object.status).includes('DependencyNotReady'),
    )
    await put('fed', { releaseName: 'fed', chart: chart(), dependsOn: [{ kind: 'Source', name: 'base' }] })
    await waiting.at
    const begun = await begins('fed')
    const done = await seen({ ...kind, name: 'fed' }, isReleased)
    const started = performance.now()
    const data = { 'status.json': JSON.stringify({ version: 1, ready: true, drifted: [] }) }
    await cluster.create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'capstan-source-base', namespace },
      data,
    })
    expect((await begun.at) - started).toBeLessThan(2000)
    await done.at
  })
})
