import { describe, expect, it } from 'vitest'
import type { RepositoryFacts } from './facts.ts'
import { isPoor, knownImages } from './known-images.ts'
import { parseRef } from './ref.ts'

const digest = `sha256:${'a'.repeat(64)}`
const fact = (created: number) => ({ digest, created, readAt: 0, holdsMs: 0 })
const facts: RepositoryFacts = {
  tags: ['1.0.0', '1.1.0', '2.0.0', 'dev'],
  described: new Map([
    ['1.0.0', fact(1)],
    ['1.1.0', fact(3)],
    ['2.0.0', fact(2)],
  ]),
}
const image = parseRef('acme/web:1.0.0') ?? { domain: '', path: '' }
const tagsOf = (list: readonly { tag: string }[]) => list.map(({ tag }) => tag)

describe('knownImages', () => {
  it('sorts by time where no policy says otherwise, what has none last', () => {
    const known = knownImages({ image, policy: { filter: 'glob:*' } }, facts)
    expect(tagsOf(known.all)).toEqual(['1.1.0', '2.0.0', '1.0.0', 'dev'])
    expect(known).toMatchObject({
      current: { tag: '1.0.0', digest, created: 1 },
      newer: 2,
      newerFiltered: 2,
      problem: '',
    })
  })

  it('sorts and filters by the policy', () => {
    const known = knownImages({ image, policy: { filter: 'semver:~1' } }, facts)
    expect(tagsOf(known.all)).toEqual(['2.0.0', '1.1.0', '1.0.0', 'dev'])
    expect([tagsOf(known.filtered), known.newer, known.newerFiltered]).toEqual([['1.1.0', '1.0.0'], 2, 1])
  })

  it('takes nothing by a policy that cannot be read, and says so', () => {
    const known = knownImages({ image, policy: { filter: 'semver:what' } }, facts)
    expect([known.filtered, known.all.length, known.problem]).toEqual([[], 4, expect.stringContaining('semver:what')])
  })

  it('knows the current image by name where nothing else is known', () => {
    const known = knownImages({ image, policy: { filter: 'glob:*' } }, undefined)
    expect(known).toEqual({
      current: { tag: '1.0.0', digest: '' },
      all: [],
      filtered: [],
      newer: 0,
      newerFiltered: 0,
      problem: 'image data not available',
    })
  })
})

describe('isPoor', () => {
  it('asks for more where the newest-looking images are not known', () => {
    expect(isPoor(undefined)).toBe(true)
    expect(isPoor(facts)).toBe(true)
    expect(isPoor({ ...facts, tags: ['1.0.0', '2.0.0'] })).toBe(false)
    expect(isPoor({ ...facts, tags: [] })).toBe(false)
  })
})
