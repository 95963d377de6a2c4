import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { orderOf, pageOf } from './page.ts'

type Row = { name: string; size: string }
const orders = { name: ({ name }: Row) => [name], size: ({ size, name }: Row) => [size, name] }
const rows: Row[] = ['d', 'a', 'e', 'c', 'b'].map((name, index) => ({ name, size: String(index % 2) }))

function all(list: readonly Row[], limit: number, sort?: string): string[] {
  const names: string[] = []
  for (let cursor = ''; ; ) {
    const { items, next } = pageOf(list, { cursor, limit }, orderOf(sort, orders))
    names.push(...items.map(({ name }) => name))
    if (next === '') return names
    cursor = next
  }
}

describe('a page', () => {
  it.each([
    [undefined, 'abcde'],
    ['name', 'abcde'],
    ['-name', 'edcba'],
    ['size', 'bdeac'.split('').toSorted(bySize).join('')],
  ])('is in the order %s', (sort, expected) => {
    expect(all(rows, 2, sort).join('')).toBe(expected)
  })

  it('tells where the next begins, and that there is none', () => {
    const first = pageOf(rows, { limit: 4 }, orderOf('name', orders))
    expect(first.next).not.toBe('')
    expect(pageOf(rows, { limit: 4, cursor: first.next }, orderOf('name', orders))).toEqual({
      items: [{ name: 'e', size: '0' }],
      next: '',
    })
    expect(pageOf(rows, { limit: 5 }, orderOf('name', orders)).next).toBe('')
    expect(pageOf([], { limit: 5 }, orderOf('name', orders))).toEqual({ items: [], next: '' })
  })

  it('goes on where it was when rows come and go', () => {
    const { next } = pageOf(rows, { limit: 2 }, orderOf('name', orders))
    const changed = [...rows.filter(({ name }) => name !== 'b'), { name: 'aa', size: '0' }]
    expect(pageOf(changed, { limit: 2, cursor: next }, orderOf('name', orders)).items.map(({ name }) => name)).toEqual([
      'c',
      'd',
    ])
  })

  it.each(['x', 'bm8', 'WzFd', '%00'])('refuses the cursor %s', (cursor) => {
    expect(() => pageOf(rows, { cursor }, orderOf('name', orders))).toThrow('none of ours')
  })

  it('gives every row once, whatever the rows and the size of a page are', () => {
    const list = fc.uniqueArray(fc.record({ name: fc.string(), size: fc.string({ maxLength: 1 }) }), {
      selector: ({ name }) => name,
    })
    fc.assert(
      fc.property(
        list,
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom('name', '-name', 'size', '-size'),
        (some, limit, sort) => {
          const names = all(some, limit, sort)
          expect(names.toSorted()).toEqual(some.map(({ name }) => name).toSorted())
          if (sort === 'name') expect(names).toEqual(some.map(({ name }) => name).toSorted())
        },
      ),
    )
  })
})

function bySize(a: string, b: string): number {
  const size = (name: string): string => rows.find((row) => row.name === name)?.size ?? ''
  return size(a) === size(b) ? (a < b ? -1 : 1) : size(a) < size(b) ? -1 : 1
}
