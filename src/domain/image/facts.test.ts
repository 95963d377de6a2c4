import { describe, expect, it } from 'vitest'
import { isDue, nextFact, printDescribed, readDescribed, readTags, type TagFact, withLabelTimes } from './facts.ts'

const hour = 3600_000
const digest = (letter: string) => `sha256:${letter.repeat(64)}`
const fact = (change: Partial<TagFact> = {}): TagFact => ({ digest: digest('a'), readAt: 0, holdsMs: hour, ...change })

describe('nextFact', () => {
  it.each([
    ['first seen holds for an hour', undefined, 'a', hour],
    ['unchanged holds twice as long', fact(), 'a', 2 * hour],
    ['moved holds half as long', fact(), 'b', hour / 2],
    ['at least 5 minutes', fact({ holdsMs: 6 * 60_000 }), 'b', 5 * 60_000],
    ['at most 7 days', fact({ holdsMs: 6 * 24 * hour }), 'a', 7 * 24 * hour],
  ])('%s', (_, before, letter, holdsMs) => {
    expect(nextFact(before, { digest: digest(letter) }, 7)).toEqual({ digest: digest(letter), readAt: 7, holdsMs })
  })
})

describe('isDue', () => {
  it.each([
    ['nothing is known', undefined, true, 0, true],
    ['fresh', fact(), true, hour - 1, false],
    ['old', fact(), true, hour, true],
    ['from the future: the clock was wrong', fact({ readAt: 10 }), true, 5, true],
    ['it was unknown and is listed now', fact({ digest: '' }), true, 1, true],
    ['it was unknown and is not listed', fact({ digest: '' }), false, 1, false],
  ] as const)('%s', (...row) => {
    const [, known, isListed, now, expected] = row
    expect(isDue(known, isListed, now)).toBe(expected)
  })
})

describe('the stored form', () => {
  it('reads what it printed', () => {
    const described = new Map([
      ['1', fact({ created: 5 })],
      ['2', fact()],
      ['3', fact({ digest: '' })],
      ['4', fact({ created: 5, labelled: 7 })],
      ['5', fact({ labelled: 7 })],
    ])
    expect(readDescribed(printDescribed(described))).toEqual(described)
  })
  it.each(['', '{', 'null', '[]', '1', '{"a":1,"..":["sha256:0",1,1,1],"b":["x",1,1,1],"c":["",1,"",1]}'])(
    'takes nothing from %j',
    (text) => {
      expect(readDescribed(text).size).toBe(0)
    },
  )
  it('leaves out tags that are none', () => {
    const at = '2026-01-01T00:00:00Z'
    expect(readTags(`{"at":"${at}","tags":["1",2,"../a",null]}`)).toEqual({ at, tags: ['1'] })
    expect(readTags(`{"at":"","tags":[],"failure":{"at":"${at}","message":{}}}`)).toEqual({ at: '', tags: [] })
    expect(readTags('{"at":"x","tags":[]}')).toBeUndefined()
    expect(readTags('{"tags":[]}')).toBeUndefined()
    expect(readTags('nonsense')).toBeUndefined()
  })
})

describe('withLabelTimes', () => {
  it.each([
    ['the label goes before the configuration', fact({ created: 5, labelled: 7 }), 7],
    ['the label alone counts', fact({ labelled: 7 }), 7],
    ['without a label the configuration counts', fact({ created: 5 }), 5],
    ['neither: no time', fact(), undefined],
  ])('%s', (_, known, created) => {
    expect(withLabelTimes(new Map([['1', known]])).get('1')?.created).toBe(created)
  })
})

it('leaves out times that are none', () => {
  const read = readDescribed('{"1":["",1e999,1,1,9e15],"2":["",8.64e15,1,1,0]}')
  expect([...read.values()]).toEqual([
    { digest: '', readAt: 1, holdsMs: 1 },
    { digest: '', readAt: 1, holdsMs: 1, created: 8.64e15, labelled: 0 },
  ])
})
