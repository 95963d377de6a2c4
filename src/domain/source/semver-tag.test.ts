import { describe, expect, it } from 'vitest'
import { chooseTag } from './semver-tag.ts'

const tags = ['v1.2.0', 'v1.10.0', '1.9', 'v2.0.0-rc.1', 'v0.9.1', 'nightly', 'release-3']

describe('the tag that a range chooses', () => {
  it.each([
    ['takes the highest number, not the last in the alphabet', '>=1.0.0', 'v1.10.0'],
    ['keeps to the range', '~1.2', 'v1.2.0'],
    ['reads versions with parts missing', '1.9.x', '1.9'],
    ['leaves pre-releases out', '*', 'v1.10.0'],
    ['takes pre-releases where the range names one', '>=2.0.0-0', 'v2.0.0-rc.1'],
    ['knows several groups', '^0.9 || 1.2.0', 'v1.2.0'],
    ['finds nothing outside the range', '>=4', undefined],
    ['finds nothing with what is no range', 'newest', undefined],
    ['finds nothing with an empty range', '', undefined],
  ])('%s', (_, range, expected) => {
    expect(chooseTag(range, tags)).toBe(expected)
    expect(chooseTag(range, tags.toReversed())).toBe(expected)
  })

  it('is the same one whatever the order, where two tags mean one version', () => {
    expect(chooseTag('1.x', ['1.10', '1.10.0'])).toBe('1.10.0')
    expect(chooseTag('1.x', ['1.10.0', '1.10'])).toBe('1.10.0')
  })

  it('is none of no tags', () => {
    expect(chooseTag('*', [])).toBeUndefined()
  })
})
