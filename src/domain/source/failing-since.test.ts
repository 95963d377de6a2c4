import { describe, expect, it } from 'vitest'
import { createFailingSince, createHeldSince, markUnlisted, mostUnlisted } from './failing-since.ts'
import type { SourceFailure } from './status.ts'

function failure(name: string, since = '', reason: SourceFailure['reason'] = 'UnknownKind'): SourceFailure {
  return { id: `a:servicemonitor/${name}`, file: 'a.yaml', line: 1, reason, message: '', since }
}

describe('a failure', () => {
  const failed = [failure('listed', 'c1')]
  const unlisted = markUnlisted([failure('x', 'c1'), failure('y', 'c2'), failure('z', 'c1')])
  const since = createFailingSince({ failed, ...(unlisted ? { unlisted } : {}) }, 'now')

  it.each([
    ['is as old as the status says that lists it', failure('listed'), 'c1'],
    ['is as old as the status says that does not list it', failure('z'), 'c1'],
    ['is as old as its own commit', failure('y'), 'c2'],
    ['is new where the status does not know it', failure('other'), 'now'],
    ['is new for another reason', failure('x', '', 'ApplyRefused'), 'now'],
    ['is new in another file', { ...failure('x'), file: 'b.yaml' }, 'now'],
  ])('%s', (_, one, expected) => {
    expect(since(one)).toBe(expected)
  })

  it('is known after a thousand others, in little room', () => {
    const many = Array.from({ length: 1000 }, (_, index) => failure(String(index), 'c1'))
    const kept = markUnlisted(many) ?? {}
    expect(JSON.stringify(kept).length).toBeLessThan(10_000)
    const known = createFailingSince({ failed: [], unlisted: kept }, 'now')
    expect(many.filter((one) => known(one) !== 'c1')).toEqual([])
  })
})

it('a status keeps nothing where it lists all, and a limited number where it lists few', () => {
  expect(markUnlisted([])).toBeUndefined()
  const many = Array.from({ length: mostUnlisted + 5 }, (_, index) => failure(String(index), 'c1'))
  const known = createFailingSince({ failed: [], unlisted: markUnlisted(many) ?? {} }, 'now')
  expect(many.filter((one) => known(one) === 'now')).toHaveLength(5)
})

it.each([
  ['since it was held first, also where the reason is another one now', 'listed', 'c1'],
  ['since now where it was not held', 'other', 'now'],
])('is held %s', (_what, name, expected) => {
  const since = createHeldSince([failure('listed', 'c1', 'MassDeletion')], 'now')
  expect(since(failure(name, '', 'DeleteHeld'))).toBe(expected)
})
