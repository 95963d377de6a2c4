import { describe, expect, it } from 'vitest'
import { suggest } from './suggest.ts'

describe('suggest', () => {
  it.each([
    ['git-ulr', 'git-url'],
    ['git-branhc', 'git-branch'],
    ['sync', undefined],
    ['zzzzzz', undefined],
  ])('%s → %s', (word, expected) => {
    expect(suggest(word, ['git-url', 'git-branch', 'sync-interval'])).toBe(expected)
  })
})
