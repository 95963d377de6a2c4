import { describe, expect, it } from 'vitest'
import { notApplied, parseApplied } from './applied.ts'

const [first, second, third] = ['1', '2', '3'].map((digit) => digit.repeat(40)) as [string, string, string]

describe('notApplied', () => {
  const facts = { commits: [second, first], head: third, branch: 'main' }
  it.each([
    ['the commit that is applied', second, []],
    ['its first digits', second.slice(0, 7), []],
    ['one before it', first, []],
    ['the head', third, [third]],
    ['its first digits', third.slice(0, 7), [third]],
    ['the branch', 'main', [third]],
    ['HEAD', 'HEAD', [third]],
    ['a commit that was just pushed', '4'.repeat(40), ['4'.repeat(40)]],
  ])('knows %s', (_what, ref, expected) => {
    expect(notApplied(ref, facts)).toEqual(expected)
  })

  it('waits while nothing is known', () => {
    expect(notApplied('main', { commits: [], head: '', branch: 'main' })).toEqual([''])
    expect(notApplied(first, { commits: [], head: '', branch: 'main' })).toEqual([first])
  })
})

describe('parseApplied', () => {
  it('takes nothing that is odd', () => {
    const good = { revision: 'main@1', commits: ['1'], policies: { 'a:deployment/b': { locked: 'true' } } }
    expect(parseApplied(JSON.stringify({ ...good, more: 1 }))).toEqual(good)
    for (const bad of [
      undefined,
      '',
      '{',
      'null',
      '{"revision":1}',
      JSON.stringify({ ...good, commits: [1] }),
      JSON.stringify({ ...good, policies: { a: { b: 1 } } }),
    ])
      expect(parseApplied(bad)).toBeUndefined()
  })
})
