import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { planBatches } from './batches.ts'

const files = (count: number, size: number) => Array.from({ length: count }, () => ({ bytes: new Uint8Array(size) }))
const lengths = (batches: unknown[][]) => batches.map(({ length }) => length)

describe('batches for parsing processes', () => {
  it.each([
    ['nothing needs none', files(0, 0), []],
    ['little work is done by one process', files(100, 1_000), [100]],
    ['more is shared by two', files(1_000, 1_000), [500, 500]],
    ['a process gets 2,000 files at most', files(5_000, 0), [2_000, 2_000, 1_000]],
    ['and 1 MB at most', files(9, 400_000), [2, 2, 2, 2, 1]],
    ['a larger file stands alone', [...files(1, 10), ...files(1, 5_000_000), ...files(1, 10)], [1, 1, 1]],
  ])('%s', (_fact, given, expected) => {
    expect(lengths(planBatches(given, 2))).toEqual(expected)
  })

  it('hold every file once, in order, and none is empty', () => {
    const size = fc.oneof(fc.nat({ max: 2_000 }), fc.nat({ max: 300_000 }))
    fc.assert(
      fc.property(fc.array(size, { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), (sizes, workers) => {
        const given = sizes.map((length, index) => ({ bytes: new Uint8Array(length), index }))
        const batches = planBatches(given, workers)
        expect(batches.flat()).toEqual(given)
        expect(batches.every(({ length }) => length > 0)).toBe(true)
      }),
      { numRuns: 50 },
    )
  })
})
