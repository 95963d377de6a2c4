import { describe, expect, it } from 'vitest'
import { refUpdates } from './git-refs.ts'

describe('refUpdates', () => {
  const main = 'refs/heads/main'
  it.each([
    ['nothing changed', { [main]: 'a' }, { [main]: 'a' }, []],
    ['a branch moved', { [main]: 'a' }, { [main]: 'b' }, [{ ref: main, before: 'a', after: 'b' }]],
    ['a branch is new', {}, { [main]: 'a' }, [{ ref: main, after: 'a' }]],
    ['a branch is gone', { [main]: 'a' }, {}, [{ ref: main, before: 'a' }]],
  ])('%s', (_name, before, after, wanted) => {
    expect(refUpdates(new Map(Object.entries(before)), new Map(Object.entries(after)))).toEqual(wanted)
  })
})
