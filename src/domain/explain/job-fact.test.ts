import { describe, expect, it } from 'vitest'
import { failureOf, type JobFact, nextRunOf, placeOf, splitReason } from './job-fact.ts'

const job: JobFact = {
  id: 'sync-source.1',
  state: 'delayed',
  requestedAt: '2026-11-21T10:00:00Z',
  nextRunAt: '2026-11-21T10:01:00Z',
}

describe('what a job says', () => {
  it.each([
    [
      'a word of the list',
      'GitConflict: the branch moved: twice',
      { reason: 'GitConflict', message: 'the branch moved: twice' },
    ],
    ['no word of the list', 'cancelled by ana', { reason: 'InternalError', message: 'cancelled by ana' }],
    ['a word of the language', 'toString: x', { reason: 'InternalError', message: 'toString: x' }],
  ])('splits %s', (_fact, text, expected) => {
    expect(splitReason(text, 'InternalError')).toEqual(expected)
  })

  it('has a failure until it ended well', () => {
    expect(failureOf({ ...job, failure: 'RateLimited: slow' })).toEqual({ reason: 'RateLimited', message: 'slow' })
    expect(failureOf({ ...job, state: 'completed', failure: 'RateLimited: slow' })).toBeUndefined()
    expect(failureOf(undefined)).toBeUndefined()
  })

  it('runs next only where it is delayed', () => {
    expect([nextRunOf(job), nextRunOf({ ...job, state: 'active' }), nextRunOf(undefined)]).toEqual([
      job.nextRunAt,
      '',
      '',
    ])
  })

  it.each([
    ['active', 'sync-source.1 runs'],
    ['waiting', 'sync-source.1 waits for its turn'],
    ['delayed', 'sync-source.1 waits: its dependency'],
  ] as const)('is %s: %s', (state, words) => {
    expect(placeOf({ ...job, state, waitsFor: 'its dependency' })).toBe(words)
  })
})
