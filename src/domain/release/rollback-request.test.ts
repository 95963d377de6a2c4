import { describe, expect, it } from 'vitest'
import { isPinned, printRollback, readRollback, unanswered } from './rollback-request.ts'

const text = printRollback({ revision: 3, by: 'ana', at: '2026-01-01T00:00:00Z' })
const wish = readRollback(text)
const pinned = { request: text, inputs: 'x', revision: 5 }

describe('readRollback', () => {
  it.each([
    ['nothing', undefined, undefined],
    ['a wish', text, { revision: 3, by: 'ana', text }],
    ['a plain number', '4', { revision: 4, by: '', text: '4' }],
    ['no number', 'the last one', undefined],
    ['no revision', '{}', undefined],
    ['a revision that there never is', '0', undefined],
  ])('%s', (_what, given, expected) => {
    expect(readRollback(given)).toEqual(expected)
  })
})

describe('a wish', () => {
  it('is answered once', () => {
    expect(unanswered(wish, undefined)).toBe(wish)
    expect(unanswered(wish, { pinned: { ...pinned, request: 'another' } })).toBe(wish)
    expect(unanswered(wish, { pinned })).toBeUndefined()
    expect(unanswered(undefined, { pinned })).toBeUndefined()
  })

  it.each([
    ['holds while the same is wanted', wish, { record: { pinned }, inputs: 'x', latest: 5 }, true],
    ['ends when something else is wanted', wish, { record: { pinned }, inputs: 'y', latest: 5 }, false],
    ['ends when something else was deployed', wish, { record: { pinned }, inputs: 'x', latest: 6 }, false],
    ['ends when it is taken back', undefined, { record: { pinned }, inputs: 'x', latest: 5 }, false],
    ['holds not before it is answered', wish, { record: undefined, inputs: 'x', latest: 5 }, false],
  ])('%s', (_what, given, facts, expected) => {
    expect(isPinned(given, facts)).toBe(expected)
  })
})
