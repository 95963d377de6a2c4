import { describe, expect, it } from 'vitest'
import type { RepositoryFacts } from './facts.ts'
import { isPoor, knownImages, type StoredFacts } from './known-images.ts'
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
      problem: '',
    })
    // 'dev' was not looked at, and its name does not say how old it is
    expect(known).not.toHaveProperty('newer')
    expect(known).not.toHaveProperty('wanted')
  })

  const described = (tags: readonly string[]) => new Map(tags.map((tag, place) => [tag, fact(place + 1)]))
  const versions = Array.from({ length: 14 }, (_, place) => `1.${place}.0`)
  const many = (seen: readonly string[], tags = versions): RepositoryFacts => ({ tags, described: described(seen) })
  const undescribed = { tags: ['0.1.0', '0.2.0', '1.9.0', '2.0.0'], described: new Map() }
  const unreadable = new Map([['2.0.0', { digest: '', readAt: 0, holdsMs: 0 }]])
  type Expected = { order: string[]; wanted?: string; newer?: number; newerFiltered?: number }
  const rows: [why: string, tag: string, known: RepositoryFacts, expected: Expected][] = [
    ['no time is known', '1.9.0', undescribed, { order: ['2.0.0', '1.9.0', '0.2.0', '0.1.0'] }],
    [
      'all are',
      '1.0.0',
      many(['1.0.0', '2.0.0'], ['1.0.0', '2.0.0']),
      { order: ['2.0.0', '1.0.0'], wanted: '2.0.0', newer: 1, newerFiltered: 1 },
    ],
    ['a new one is not', '1.0.0', many(['1.0.0'], ['1.0.0', '2.0.0']), { order: ['1.0.0', '2.0.0'] }],
    [
      'an image says nothing',
      '1.0.0',
      { tags: ['1.0.0', '2.0.0'], described: new Map([...described(['1.0.0']), ...unreadable]) },
      { order: ['1.0.0', '2.0.0'], wanted: '1.0.0', newer: 0, newerFiltered: 0 },
    ],
    [
      'that of the current one is not',
      '3',
      many(['1.0.0', '2.0.0'], ['1.0.0', '2.0.0']),
      { order: ['2.0.0', '1.0.0'], wanted: '2.0.0' },
    ],
    [
      'those of the lowest of many versions are not',
      '1.9.0',
      many(versions.slice(3)),
      {
        order: [...versions.slice(3).toReversed(), '1.2.0', '1.1.0', '1.0.0'],
        wanted: '1.13.0',
        newer: 4,
        newerFiltered: 4,
      },
    ],
    [
      'a name among many versions was not looked at',
      '1.9.0',
      many(versions, [...versions, 'b1c2d3e']),
      { order: [...versions.toReversed(), 'b1c2d3e'] },
    ],
  ]
  it.each(rows)('where the time decides and %s', (_, tag, known, expected) => {
    const found = knownImages({ image: { ...image, tag }, policy: { filter: 'glob:*' } }, known)
    const { wanted, newer, newerFiltered } = found
    expect({ order: tagsOf(found.all), wanted: wanted?.tag, newer, newerFiltered }).toEqual(expected)
  })

  it('needs no times for versions', () => {
    const found = knownImages({ image: { ...image, tag: '1.9.0' }, policy: { filter: 'semver:*' } }, undescribed)
    expect([found.wanted?.tag, found.newer, found.newerFiltered]).toEqual(['2.0.0', 1, 1])
  })

  it('says why the registry could not be read, behind what is wrong with the policy', () => {
    const [failure, glob] = ['the registry refuses the login', { filter: 'glob:*' }]
    const problemOf = (known: StoredFacts, policy = glob) => knownImages({ image, policy }, known).problem
    expect(problemOf({ tags: [], described: new Map(), failure })).toBe(failure)
    expect(problemOf({ ...facts, failure })).toBe(failure)
    expect(problemOf({ ...facts, failure }, { filter: 'semver:what' })).toContain('semver:what')
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
    expect(isPoor({ tags: [], described: new Map(), failure: 'no login' })).toBe(true)
  })
})
