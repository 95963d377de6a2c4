import { describe, expect, it } from 'vitest'
import { AppError } from '../../domain/error.ts'
import { type Ended, Stopped, type Verdict, verdictOf } from './outcome.ts'

const plain = (text: string) => text
const cancelled = new Stopped('cancelled', 'cancelled by jo')
const shutdown = new Stopped('shutdown', 'the process stops')
const lockLost = new Stopped('lockLost', 'the lock is lost')
const done: Ended = { outcome: { end: 'done', summary: '3 configured' } }
const again: Ended = { outcome: { end: 'again', afterMs: 5000, why: 'waits for podinfo' } }
const failure = (retry: AppError['retry']): Ended => ({ error: new AppError('HelmFailed', 'It failed.', { retry }) })

describe('verdictOf', () => {
  const rows: [what: string, ended: Ended, stopped: Stopped | undefined, verdict: Verdict][] = [
    ['done completes', done, undefined, { do: 'complete', summary: '3 configured' }],
    ['again waits', again, undefined, { do: 'delay', afterMs: 5000, why: 'waits for podinfo' }],
    [
      'a request that was answered is not asked again',
      { outcome: { end: 'again', afterMs: 5000, why: 'failed', answered: true } },
      undefined,
      { do: 'delay', afterMs: 5000, why: 'failed', answered: true },
    ],
    ['a failure backs off', failure('backoff'), undefined, { do: 'retry', text: 'HelmFailed: It failed.' }],
    [
      'a failure that knows its time waits that long',
      failure({ afterMs: 7000 }),
      undefined,
      { do: 'retry', text: 'HelmFailed: It failed.', afterMs: 7000 },
    ],
    [
      'a failure may bound its back-off',
      failure({ atMostMs: 7000 }),
      undefined,
      { do: 'retry', text: 'HelmFailed: It failed.', atMostMs: 7000 },
    ],
    [
      'a failure that only input mends fails',
      failure('never'),
      undefined,
      { do: 'fail', text: 'HelmFailed: It failed.' },
    ],
    [
      'a foreign error keeps its text to itself',
      { error: new Error('password=hunter2') },
      undefined,
      { do: 'retry', text: 'InternalError: A bug in Capstan; see the log of this job.' },
    ],
    ['what was cancelled fails', failure('backoff'), cancelled, { do: 'fail', text: 'cancelled by jo' }],
    ['what was cancelled does not run again', again, cancelled, { do: 'fail', text: 'cancelled by jo' }],
    ['what was done before the cancel arrived is done', done, cancelled, { do: 'complete', summary: '3 configured' }],
    ['a shutdown gives the job back', failure('never'), shutdown, { do: 'return' }],
    ['a lost lock gives the job back', failure('backoff'), lockLost, { do: 'return' }],
  ]
  it.each(rows)('%s', (_what, ended, stopped, verdict) => {
    expect(verdictOf(ended, stopped, plain)).toEqual(verdict)
  })

  it('redacts and cuts what goes to Redis', () => {
    const error = new AppError('HelmFailed', `secret ${'x'.repeat(1000)}`)
    const verdict = verdictOf({ error }, undefined, (text) => text.replaceAll('secret', '***'))
    expect(verdict).toMatchObject({ do: 'retry', text: expect.stringMatching(/^HelmFailed: \*\*\* x{400,}…$/) })
  })
})
