import { describe, expect, it } from 'vitest'
import { newestLooking } from './newest-looking.ts'

describe('newestLooking', () => {
  it.each([
    ['versions from the highest down', ['1.9.0', 'v1.10.0', '1.2.0'], ['v1.10.0', '1.9.0', '1.2.0']],
    ['latest before all', ['1.0.0', 'latest'], ['latest', '1.0.0']],
    ['versions before other names', ['zebra', '1.0.0'], ['1.0.0', 'zebra']],
    ['numbers in names as numbers', ['main-9', 'main-10', 'main-2'], ['main-10', 'main-9', 'main-2']],
    ['a release before what led to it', ['1.0.0-rc.1', '1.0.0'], ['1.0.0', '1.0.0-rc.1']],
    ['nothing', [], []],
  ])('%s', (_, tags, expected) => {
    expect(newestLooking(tags, 10)).toEqual(expected)
    expect(newestLooking(tags.toReversed(), 10)).toEqual(expected)
  })
  it('gives no more than was asked for', () => {
    expect(newestLooking(['3.0.0', '1.0.0', '2.0.0'], 2)).toEqual(['3.0.0', '2.0.0'])
  })
})
