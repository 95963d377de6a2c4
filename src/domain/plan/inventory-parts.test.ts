import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../manifest/object.ts'
import { encodeInventory, type Inventory } from './inventory.ts'
import { arePartNames, inventoryKey, partBytes, partName, readParts } from './inventory-parts.ts'

const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'a', name: 'b' }
const entry = { ref, file: 'a.yaml', applied: 'x', owned: 'y', tried: '', triedAt: '' }
const inventory: Inventory = new Map([['ConfigMap/a/b', entry]])
const { content, digest } = encodeInventory(inventory)
const unpack = async (bytes: Uint8Array): Promise<string> => new TextDecoder().decode(bytes)
const source = { name: 'shop', maxObjects: 100_000 }
const [first, second] = [partName('shop', digest, 0), partName('shop', digest, 1)]

function part(text: string): KubeObject {
  const binaryData = { [inventoryKey]: Buffer.from(text).toString('base64') }
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, binaryData }
}

/** Reads what these ConfigMaps hold; gives the files of its objects, or why it cannot be read. */
async function read(
  parts: Record<string, KubeObject>,
  { names = Object.keys(parts), of = digest, by = unpack }: { names?: string[]; of?: string; by?: typeof unpack } = {},
): Promise<string | string[]> {
  const options = { get: async (name: string) => parts[name], unpack: by }
  const found = await readParts(source, { parts: names, digest: of }, options)
  return 'problem' in found ? found.problem : [...found.inventory.values()].map(({ file }) => file)
}

describe('an inventory in parts', () => {
  it('is read whole', async () => {
    expect(await read({ [first]: part(content.slice(0, 9)), [second]: part(content.slice(9)) })).toEqual(['a.yaml'])
  })

  const whole = { [first]: part(content) }
  const others = 'the status names other ConfigMaps than a sync writes'
  it.each<[string, Record<string, KubeObject>, Parameters<typeof read>[1], string]>([
    ['has none', {}, {}, others],
    ['names one again and again', whole, { names: Array(100).fill(first) }, others],
    ['names more than a source may have', {}, { names: namesOf(1000) }, others],
    ['names a ConfigMap of somebody else', { x: part(content) }, {}, others],
    ['names those of another source', { [partName('web', digest, 0)]: part(content) }, {}, others],
    ['has no digest', { 'shop-inventory-x-0': part(content) }, { of: 'x' }, others],
    ['lacks one', whole, { names: [first, second] }, `ConfigMap ${second} is gone or holds something else`],
    [
      'has something else',
      { [first]: { ...part(''), binaryData: {} } },
      {},
      `ConfigMap ${first} is gone or holds something else`,
    ],
    [
      'has one of no size of ours',
      { [first]: part('x'.repeat(partBytes + 1)) },
      {},
      `ConfigMap ${first} is gone or holds something else`,
    ],
    ['is another', { [first]: part(`${content} `) }, {}, 'it is damaged or too large'],
    ['has too many objects', ...manyObjects(), 'it is damaged or too large'],
    ['has fields that are no texts', ...linesOf('[1]'), 'it is damaged or too large'],
    ['has a line that is no list', ...linesOf('{}'), 'it is damaged or too large'],
    ['has a line that is no JSON', ...linesOf('['), 'it is damaged or too large'],
    [
      'cannot be unpacked',
      whole,
      { by: async () => Promise.reject(new Error('no gzip')) },
      'it is damaged or too large',
    ],
  ])('is not known where it %s', async (_what, parts, options, problem) => {
    expect(await read(parts, options)).toBe(problem)
  })

  it('is unpacked to 128 MB and no more, also where a source may have few objects; to more where it may have more', async () => {
    const asked: number[] = []
    const by = async (bytes: Uint8Array, most: number) => {
      asked.push(most)
      return await unpack(bytes)
    }
    for (const maxObjects of [1, 100_000, 200_000])
      await readParts(
        { ...source, maxObjects },
        { parts: [first], digest },
        { get: async () => part(content), unpack: by },
      )
    expect(asked).toEqual([128_000_000, 128_000_000, 256_000_000])
  })

  it('has names that say whose it is and what is in it', () => {
    expect(arePartNames('shop', { parts: [first, second], digest })).toBe(true)
    expect(arePartNames('shop', { parts: [second, first], digest })).toBe(false)
  })
})

function namesOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => partName('shop', digest, index))
}

function linesOf(text: string): [Record<string, KubeObject>, { of: string; by: typeof unpack }] {
  const of = hashOf(text)
  return [{ [partName('shop', of, 0)]: part('') }, { of, by: async () => text }]
}

function manyObjects(): ReturnType<typeof linesOf> {
  return linesOf('\n'.repeat(200_000))
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
