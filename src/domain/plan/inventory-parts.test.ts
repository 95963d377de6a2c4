import { describe, expect, it } from 'vitest'
import { encodeInventory, type Inventory } from './inventory.ts'
import { inventoryKey, inventoryOf } from './inventory-parts.ts'

const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'a', name: 'b' }
const entry = { ref, file: 'a.yaml', applied: 'x', owned: 'y', tried: '', triedAt: '' }
const inventory: Inventory = new Map([['ConfigMap/a/b', entry]])
const { content, digest } = encodeInventory(inventory)
const unpack = async (bytes: Uint8Array): Promise<string> => new TextDecoder().decode(bytes)

function part(text: string) {
  const binaryData = { [inventoryKey]: Buffer.from(text).toString('base64') }
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, binaryData }
}

describe('an inventory in parts', () => {
  it('is read whole', async () => {
    const parts = [part(content.slice(0, 9)), part(content.slice(9))]
    const read = await inventoryOf(parts, { digest, unpack })
    expect([...(read?.values() ?? [])].map(({ file, ref: { name } }) => [file, name])).toEqual([['a.yaml', 'b']])
  })

  it.each([
    ['none', []],
    ['one is missing', [part(content), undefined]],
    ['they are in another order', [part(content.slice(9)), part(content.slice(0, 9))]],
    ['one holds something else', [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } }]],
  ])('is not known where there is %s', async (_what, parts) => {
    expect(await inventoryOf(parts, { digest, unpack })).toBeUndefined()
  })

  it('is not known where it cannot be unpacked', async () => {
    const broken = async (): Promise<string> => Promise.reject(new Error('no gzip'))
    expect(await inventoryOf([part(content)], { digest, unpack: broken })).toBeUndefined()
  })
})
