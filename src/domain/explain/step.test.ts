import { describe, expect, it } from 'vitest'
import { reasons } from '../status/reason.ts'
import { makeStep, verdictOf } from './step.ts'

const done = makeStep('revision', 'a/b', 'done')
const waiting = makeStep('queue', 'a/b', 'waiting', { message: 'its turn' })
const held = makeStep('hold', 'a/b', 'stopped', {
  reason: 'Suspended',
  message: 'by ana',
  command: 'capstan resume a/b',
})
const refused = makeStep('apply', 'a/b', 'stopped', { reason: 'ApplyRefused', nextTryAt: '2026-11-21T10:00:00Z' })

describe('verdictOf', () => {
  it.each([
    ['nothing stands in the way', [done], { state: 'done' }],
    [
      'what is skipped or unknown stops nothing',
      [makeStep('tag', 'x', 'unknown'), makeStep('policy', 'x', 'skipped')],
      { state: 'done' },
    ],
    [
      'what waits is waited for, by no word of its own',
      [done, waiting],
      { state: 'waiting', cause: { step: 'queue', reason: 'NotReady' } },
    ],
    [
      'the first that is stopped counts',
      [done, held, refused],
      { state: 'stopped', cause: { step: 'hold', reason: 'Suspended' } },
    ],
    ['what waits before it waits for it', [waiting, refused], { state: 'stopped', cause: { step: 'apply' } }],
  ])('%s', (_fact, steps, expected) => {
    expect(verdictOf(steps)).toMatchObject(expected)
  })

  it('says what unblocks it and when it is tried next', () => {
    expect(verdictOf([held, refused]).cause).toEqual({
      step: 'hold',
      of: 'a/b',
      at: '',
      reason: 'Suspended',
      message: 'by ana',
      unblock: reasons.Suspended[1],
      command: 'capstan resume a/b',
      nextTryAt: '',
    })
    const odd = makeStep('revision', 'a/b', 'stopped', { reason: 'toString' as 'Suspended' })
    expect(verdictOf([odd]).cause).toMatchObject({ reason: 'toString', unblock: '' })
    expect(verdictOf([refused]).cause).toMatchObject({ nextTryAt: '2026-11-21T10:00:00Z' })
  })
})
