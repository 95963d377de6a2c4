import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { legacyReleaseKind } from '../../src/domain/release/spec.ts'
import { syncRelease } from '../../src/jobs/sync-release/index.ts'
import { definitionRef, serveLegacy } from './own-group.ts'
import { createReleaseBench, type ReleaseBench, template } from './workbench.ts'

let bench: ReleaseBench
let definition: string

beforeAll(async () => {
  bench = await createReleaseBench()
  definition = await serveLegacy(bench.cluster, bench.group)
  await bench.publish('1.0.0', { 'config.yaml': template })
})

afterAll(async () => {
  await bench.cluster.delete({ ...definitionRef, name: definition }, {})
  await bench.close()
})

const chart = () => ({ repository: bench.charts.url, name: 'demo', version: '1.0.0' })
const old = (name: string) => ({ ...legacyReleaseKind, namespace: bench.namespace, name })

async function putOld(name: string, release: string): Promise<void> {
  const metadata = { name, namespace: bench.namespace }
  await bench.cluster.create({ ...legacyReleaseKind, metadata, spec: { releaseName: release, chart: chart() } })
}

async function sync(name: string, legacy = true) {
  const payload = { kind: 'sync-release' as const, namespace: bench.namespace, name, reason: 'test', requestedAt: '' }
  return await syncRelease(payload, { ...bench.deps, legacy }, new AbortController().signal)
}

const states = async (release: string) =>
  (JSON.parse(await bench.helm('list', '-a', '-f', `^${release}$`, '-o', 'json')) as { status: string }[]).map(
    ({ status }) => status,
  )

describe('a HelmRelease of flux.weave.works/v1beta1', () => {
  it('is left alone by default', async () => {
    await putOld('one', 'one')
    expect(await sync('one', false)).toEqual({ end: 'done', summary: 'it does not exist any more' })
    expect(await states('one')).toEqual([])
  })

  it('is served where that is asked for, with no finalizer', async () => {
    expect(await sync('one')).toMatchObject({ end: 'done', summary: expect.stringContaining('one revision 1') })
    expect(await states('one')).toEqual(['deployed'])
    const { metadata } = (await bench.cluster.get(old('one'))) ?? {}
    expect(metadata?.finalizers).toBeUndefined()
    // its definition takes no status, so that what was written says nothing of the object
    const events = await bench.cluster.list({ apiVersion: 'v1', kind: 'Event', namespace: bench.namespace })
    expect(events.map(({ involvedObject }) => (involvedObject as { uid: string }).uid)).toEqual([metadata?.uid])
    bench.helmRuns()
    expect(await sync('one')).toMatchObject({ end: 'done' })
    expect(bench.helmRuns()).toEqual([])
  })

  it('is left alone where another one was first', async () => {
    // creation times are whole seconds
    const first = (await bench.cluster.get(old('one')))?.metadata.creationTimestamp ?? ''
    await until('another second', async () => Date.now() >= Date.parse(first) + 1_000)
    await putOld('late', 'one')
    expect(await sync('late')).toEqual({
      end: 'done',
      summary: `left alone: ${bench.namespace}:helmrelease/one asks for the same release`,
    })
  })

  it('keeps its release when it is deleted', async () => {
    await bench.cluster.delete(old('late'), {})
    await bench.cluster.delete(old('one'), {})
    await sync('one')
    expect(await states('one')).toEqual(['deployed'])
  })

  it('gives way to a HelmRelease of today, which takes the release over with no new revision', async () => {
    await putOld('two', 'two')
    await sync('two')
    await bench.put('new', { releaseName: 'two', chart: chart() })
    expect(await sync('two')).toMatchObject({ summary: expect.stringContaining('left alone') })
    bench.helmRuns()
    expect(await sync('new')).toMatchObject({ end: 'done', summary: expect.stringContaining('two revision 1') })
    expect(bench.helmRuns()).toEqual([])
  })

  it('is not looked at where one of today has its name', async () => {
    await putOld('new', 'other')
    await sync('new')
    expect(await states('other')).toEqual([])
  })
})
