import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoffMs } from './backoff.ts'

describe('backoffMs', () => {
  const middle = () => 0.5
  const rows: [what: string, failures: number, waitMs: number][] = [
    ['the first failure waits 5 s', 1, 5_000],
    ['the second doubles it', 2, 10_000],
    ['the fifth waits 80 s', 5, 80_000],
    ['the eighth waits 640 s', 8, 640_000],
    ['the ninth reaches 15 min', 9, 900_000],
    ['it stays there', 1_000_000_000, 900_000],
    ['zero counts as the first', 0, 5_000],
  ]
  it.each(rows)('%s', (_what, failures, waitMs) => {
    expect(backoffMs(failures, middle)).toBe(waitMs)
  })

  it('keeps its chance below the longest wait of a caller', () => {
    expect(backoffMs(9, () => 0.999_999, 300_000)).toBe(300_000)
    expect(backoffMs(9, middle, 300_000)).toBe(250_000)
    expect(backoffMs(9, () => 0, 300_000)).toBe(200_000)
    expect(backoffMs(1, middle, 300_000)).toBe(5_000)
  })

  it('stays within 20 % of the wait without chance', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (failures, chance) => {
        const plain = backoffMs(failures, middle)
        const wait = backoffMs(failures, () => chance)
        expect(wait).toBeGreaterThanOrEqual(Math.floor(plain * 0.8))
        expect(wait).toBeLessThanOrEqual(Math.ceil(plain * 1.2))
      }),
    )
  })
})
