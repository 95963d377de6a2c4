import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keyOf } from '../manifest/object.ts'
import { decodeInventory, encodeInventory, type InventoryEntry, mergeInventory } from './inventory.ts'

const word = fc.string({ minLength: 1, maxLength: 8 })
const anyEntry: fc.Arbitrary<InventoryEntry> = fc.record({
  ref: fc.record({ apiVersion: fc.constantFrom('v1', 'apps/v1'), kind: word, namespace: word, name: word }),
  file: fc.string(),
  applied: fc.string(),
  owned: fc.string(),
  tried: fc.string(),
  triedAt: fc.string(),
})

function inventoryOf(entries: readonly InventoryEntry[]) {
  return new Map(entries.map((entry) => [keyOf(entry.ref), entry]))
}

describe('inventory', () => {
  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(fc.array(anyEntry), (entries) => {
        const inventory = inventoryOf(entries)
        const { content, digest } = encodeInventory(inventory)
        expect(decodeInventory(content, { digest })).toEqual(inventory)
      }),
    )
  })

  it('has the same bytes whatever the order', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyEntry, { selector: ({ ref }) => keyOf(ref) }), (entries) => {
        expect(encodeInventory(inventoryOf(entries)).digest).toBe(
          encodeInventory(inventoryOf([...entries].reverse())).digest,
        )
      }),
    )
  })

  it('does not take damaged text for an empty inventory', () => {
    const { content, digest } = encodeInventory(inventoryOf([]))
    expect(decodeInventory(`${content}x`, { digest })).toBeUndefined()
  })

  it('merges old and new without forgetting what is known of the old', () => {
    const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'demo', name: 'a' }
    const old = inventoryOf([{ ref, file: 'a.yaml', applied: 'd', owned: 'o', tried: '', triedAt: '' }])
    const merged = mergeInventory(old, [
      { ref, file: 'b.yaml' },
      { ref: { ...ref, name: 'b' }, file: 'b.yaml' },
    ])
    expect([...merged.values()].map(({ applied }) => applied)).toEqual(['d', ''])
  })
})
