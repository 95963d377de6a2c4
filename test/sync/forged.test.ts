import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { gcMarkLabel } from '../../src/domain/manifest/annotations.ts'
import { gcMark } from '../../src/domain/manifest/gc-mark.ts'
import { keyOf, type KubeObject } from '../../src/domain/manifest/object.ts'
import { encodeInventory } from '../../src/domain/plan/inventory.ts'
import { inventoryKey } from '../../src/domain/plan/inventory-parts.ts'
import type { SourceSpec } from '../../src/domain/source/spec.ts'
import { type SourceStatus, statusRef } from '../../src/domain/source/status.ts'
import { syncSetOf } from '../../src/domain/source/sync-set.ts'
import { configMap } from './manifests.ts'
import { createWorkbench, type Workbench } from './workbench.ts'

/** Whoever may write ConfigMaps beside a Source may write what a sync remembers of it. */
describe('what somebody else wrote into the memory of a source', () => {
  let bench: Workbench

  afterEach(async () => {
    await bench.close()
  })

  /** Replaces the stored status by what `change` makes of it. */
  async function forge(change: (status: SourceStatus) => unknown): Promise<void> {
    const found = await bench.cluster.get(statusRef(bench.spec))
    if (!found) throw new Error('no status')
    const status = JSON.stringify(change(await bench.status()))
    await bench.cluster.replace({ ...found, data: { 'status.json': status } })
    bench.restart()
  }

  /** Stores an inventory that names one object more, in a part as a sync writes it; gives what the status says of it. */
  async function forgeInventory(victim: KubeObject): Promise<SourceStatus['inventory']> {
    const { apiVersion, kind, metadata } = victim
    const { namespace = '', name } = metadata
    const ref = { apiVersion, kind, namespace, name }
    const entry = { ref, file: 'x.yaml', applied: 'x', owned: '', tried: '', triedAt: '' }
    const { content, digest } = encodeInventory(new Map([[keyOf(ref), entry]]))
    const part = `${bench.spec.name}-inventory-${digest.slice(0, 10)}-0`
    await bench.cluster.create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace: bench.spec.namespace, name: part },
      binaryData: { [inventoryKey]: gzipSync(content).toString('base64') },
    })
    return { parts: [part], digest, count: 1 }
  }

  async function createVictim(labels: Record<string, string>): Promise<KubeObject> {
    return await bench.cluster.create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace: bench.target, name: 'victim', labels },
      data: {},
    })
  }

  /** What a sync deletes. */
  async function deleted(): Promise<string[]> {
    const { changes } = await bench.sync()
    return changes.filter(({ action }) => action === 'deleted').map(({ id }) => id)
  }

  const victimOf = async () =>
    await bench.cluster.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: bench.target, name: 'victim' })

  it('cannot make it delete what another source has', async () => {
    bench = await createWorkbench({ origin: 'resource' })
    const other: SourceSpec = { ...bench.spec, origin: 'flags', namespace: 'elsewhere' }
    const mark = gcMark(syncSetOf(other), { kind: 'ConfigMap', namespace: bench.target, name: 'victim' })
    bench.push({ 'a.yaml': configMap('a', '1') })
    await bench.sync()
    const inventory = await forgeInventory(await createVictim({ [gcMarkLabel]: mark }))
    await forge((status) => ({ ...status, sets: [syncSetOf(bench.spec), syncSetOf(other)], inventory }))
    expect(await deleted()).toEqual([])
    expect(await victimOf()).toBeDefined()
  })

  it('cannot make it delete what no source has', async () => {
    bench = await createWorkbench({ origin: 'resource' })
    bench.push({ 'a.yaml': configMap('a', '1') })
    await bench.sync()
    const inventory = await forgeInventory(await createVictim({}))
    await forge((status) => ({ ...status, inventory }))
    expect(await deleted()).toEqual([])
    expect(await victimOf()).toBeDefined()
  })

  it.each([
    ['a version alone', () => ({ version: 1 })],
    ['a failure that is none', (status: SourceStatus) => ({ ...status, failed: [null] })],
  ])('is no status when it has %s: it is made anew, and only the sync after that deletes', async (_what, damage) => {
    bench = await createWorkbench({ origin: 'resource' })
    bench.push({ 'a.yaml': configMap('a', '1'), 'b.yaml': configMap('b', '1') })
    await bench.sync()
    await forge(damage)
    const commit = bench.push({ 'a.yaml': configMap('a', '1') })
    expect(await deleted()).toEqual([])
    const why = `the status in ConfigMap ${bench.spec.namespace}/capstan-source-default was damaged`
    const message = `1 objects applied; 1 deletions wait: the inventory is made anew, since ${why}; the next sync deletes`
    expect(await bench.status()).toMatchObject({ ready: true, revision: `main@${commit}`, message, objects: 2 })
    expect(await deleted()).toEqual([`${bench.target}:configmap/b`])
  })

  it('counts as lost, too, while the source is held', async () => {
    bench = await createWorkbench({ origin: 'resource' })
    bench.push({ 'a.yaml': configMap('a', '1'), 'b.yaml': configMap('b', '1') })
    await bench.sync()
    await forge(() => ({ version: 1 }))
    bench.push({ 'a.yaml': configMap('a', '1') })
    bench.spec.suspended = { by: 'me', why: 'not yet', since: '' }
    await bench.outcome()
    expect(await bench.status()).toMatchObject({ reason: 'Suspended' })
    bench.spec.suspended = undefined
    expect(await deleted()).toEqual([])
  })

  const bomb = gzipSync(Buffer.alloc(150_000_000))
  const digest = 'a'.repeat(64)
  const others = 'the inventory could not be read (the status names other ConfigMaps than a sync writes)'
  it.each([
    ['again and again', Array<string>(100).fill(`default-inventory-${digest.slice(0, 10)}-0`), others],
    ['of another name', ['bomb'], others],
    [
      'that unpacks to more than it may',
      [`default-inventory-${digest.slice(0, 10)}-0`],
      'the inventory could not be read (it is damaged or too large)',
    ],
  ])(
    'is no inventory when it is a part %s: it is made anew, and nobody else’s ConfigMap goes',
    async (_what, parts, why) => {
      bench = await createWorkbench({ origin: 'resource' })
      bench.push({ 'a.yaml': configMap('a', '1'), 'b.yaml': configMap('b', '1') })
      await bench.sync()
      const { namespace } = bench.spec
      const [name = ''] = parts
      const binaryData = { [inventoryKey]: bomb.toString('base64') }
      await bench.cluster.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name }, binaryData })
      await forge((status) => ({ ...status, inventory: { parts, digest, count: 2 } }))
      bench.push({ 'a.yaml': configMap('a', '1') })
      expect(await deleted()).toEqual([])
      expect((await bench.status()).message).toContain(
        `the inventory is made anew, since ${why}; the next sync deletes`,
      )
      expect(await deleted()).toEqual([`${bench.target}:configmap/b`])
      const left = await bench.cluster.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name })
      expect(left !== undefined).toBe(why === others)
    },
  )
})
