import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { KubeObject } from '../../src/domain/manifest/object.ts'
import type { MirroredStatus, SeenSource } from '../../src/domain/source/condition.ts'
import { sourceKind } from '../../src/domain/source/resource.ts'
import type { SourceStatus } from '../../src/domain/source/status.ts'
import { writeSourceConditions } from '../../src/jobs/source-conditions.ts'
import { makeNamespace, quiet, realCluster, removeNamespace, until } from '../cluster/world.ts'
import { installSources, sourceObject } from './definition.ts'

const cluster = realCluster()
let namespace = ''
const revision = 'main@0123456789abcdef0123456789abcdef01234567'
const applied: SourceStatus = {
  version: 1,
  revision,
  attempted: revision,
  ready: true,
  reason: '',
  message: '7 objects applied',
  objects: 7,
  failed: [],
  failedCount: 0,
  held: [],
  drifted: [],
  inventory: { parts: ['shop-inventory-0123456789-0'], digest: 'd', count: 7 },
  holder: 'h',
  changedAt: '2026-01-01T00:00:00Z',
}

beforeAll(async () => {
  await installSources(cluster)
  namespace = await makeNamespace(cluster)
})

afterAll(async () => {
  await removeNamespace(cluster, namespace)
  await cluster.close()
})

async function make(name: string): Promise<KubeObject> {
  return (await cluster.apply(sourceObject(namespace, name), { force: true })).object
}

async function write({ metadata }: KubeObject, seen: SeenSource, now = new Date()): Promise<boolean> {
  const { name, uid = '', generation = 0 } = metadata
  const source = { namespace, name, suspended: undefined, object: { uid, generation, request: '' } }
  const deps = { cluster, log: quiet, now: () => now }
  return await writeSourceConditions(source, seen, deps, new AbortController().signal)
}

const read = async (name: string) => await cluster.get({ ...sourceKind, namespace, name })
const statusOf = async (name: string) => ((await read(name))?.status ?? {}) as MirroredStatus

async function eventsOn(name: string): Promise<string[]> {
  const events = await cluster.list({ apiVersion: 'v1', kind: 'Event', namespace })
  return events
    .filter(({ involvedObject }) => (involvedObject as { name: string }).name === name)
    .toSorted((a, b) => String(a.firstTimestamp).localeCompare(String(b.firstTimestamp)))
    .map(({ type, reason }) => `${String(type)} ${String(reason)}`)
}

describe('the status of a Source object', () => {
  it('says what was seen, is written on change only, and each new outcome is an Event', async () => {
    const source = await make('shop')
    const [monday, tuesday, friday] = [1, 2, 5].map((day) => new Date(Date.UTC(2026, 1, day)))
    expect(await write(source, { status: applied }, monday)).toBe(true)
    const { resourceVersion } = (await read('shop'))?.metadata ?? {}
    expect(await write(source, { status: applied }, tuesday)).toBe(false)
    expect((await read('shop'))?.metadata.resourceVersion).toBe(resourceVersion)
    expect(await statusOf('shop')).toMatchObject({
      observedGeneration: 1,
      revision,
      objects: 7,
      inventory: applied.inventory,
      conditions: [
        { type: 'Ready', status: 'True', reason: 'Applied', lastTransitionTime: '2026-02-01T00:00:00.000Z' },
      ],
    })

    expect(await write(source, { status: { ...applied, message: '7 objects applied again' } }, tuesday)).toBe(true)
    const failed = { ...applied, ready: false, reason: 'MassDeletion' as const, message: 'too many' }
    expect(await write(source, { status: failed }, friday)).toBe(true)
    expect((await statusOf('shop')).conditions).toMatchObject([
      { type: 'Ready', status: 'False', reason: 'MassDeletion', lastTransitionTime: '2026-02-05T00:00:00.000Z' },
      { type: 'Stalled', status: 'True', reason: 'MassDeletion' },
    ])
    expect(await write(source, { status: applied }, friday)).toBe(true)
    expect((await statusOf('shop')).conditions.map(({ type }) => type)).toEqual(['Ready'])
    await until('there are three Events', async () => (await eventsOn('shop')).length >= 3)
    expect((await eventsOn('shop')).toSorted()).toEqual(['Normal Applied', 'Normal Applied', 'Warning MassDeletion'])
  })

  it('of another object with the name, of one that is gone or of a newer generation is left alone', async () => {
    const first = await make('again')
    await cluster.delete({ ...sourceKind, namespace, name: 'again' }, {})
    expect(await write(first, { status: applied })).toBe(false)
    const second = await make('again')
    expect(await write(first, { status: applied })).toBe(false)
    expect(await statusOf('again')).toEqual({})
    const third = (await cluster.apply(sourceObject(namespace, 'again', { interval: '2m' }), { force: true })).object
    expect(await write(third, { status: applied })).toBe(true)
    expect(await write(second, { problem: { reason: 'InvalidSource', message: 'old' } })).toBe(false)
    expect(await statusOf('again')).toMatchObject({ observedGeneration: 2, conditions: [{ status: 'True' }] })
  })

  it('is accepted whatever a message holds', async () => {
    const source = await make('odd')
    const message = `first\nsecond "quoted" ${'é'.repeat(2_000)}`
    expect(await write(source, { fetch: { reason: 'GitUnreachable', message } })).toBe(true)
    expect((await statusOf('odd')).conditions[0]?.message).toHaveLength(1_000)
  })
})
