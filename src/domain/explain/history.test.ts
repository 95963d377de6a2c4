import { describe, expect, it } from 'vitest'
import { findCommits, isBehind, parseHistory, printHistory } from './history.ts'

const [a, b, side, merge] = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(40)) as [string, string, string, string]
const text = printHistory(merge, [
  { commit: merge, parents: [b, side] },
  { commit: side, parents: [a] },
  { commit: b, parents: [a] },
])
const history = parseHistory(text)

describe('a history', () => {
  it.each<[fact: string, commit: string, tip: string, expected: boolean | undefined]>([
    ['a commit is behind itself', b, b, true],
    ['a parent is behind', a, b, true],
    ['both lines are behind a merge', side, merge, true],
    ['a line beside is not behind', side, b, false],
    ['what comes later is not behind', merge, b, false],
    ['nobody knows behind a commit that is forgotten', a, 'e'.repeat(40), undefined],
  ])('%s', (_fact, commit, tip, expected) => {
    if (!history) throw new Error('it was not read')
    expect(isBehind(history, commit, tip)).toBe(expected)
  })

  it('is searched by the first digits', () => {
    if (!history) throw new Error('it was not read')
    expect(findCommits(history, 'ccccccc')).toEqual([side])
    expect(findCommits(history, 'fffffff')).toEqual([])
  })

  it.each([undefined, '', 'null', '{}', '{"head":"x","commits":[]}', text.replaceAll('a'.repeat(40), 'rm -rf')])(
    'that is not ours is none: %s',
    (odd) => {
      expect(parseHistory(odd)).toBeUndefined()
    },
  )
})
