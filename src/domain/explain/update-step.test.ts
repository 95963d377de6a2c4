import { describe, expect, it } from 'vitest'
import type { JobFact } from './job-fact.ts'
import { commitsStep, updateState } from './update-step.ts'

const at = '2026-11-21T10:00:00Z'
const job = (change: Partial<JobFact>): JobFact => ({
  id: 'update-images.1',
  state: 'delayed',
  requestedAt: at,
  ...change,
})
const conflict = job({ failure: 'GitConflict: the branch moved', startedAt: at, nextRunAt: at })
const ended = job({ state: 'completed', finishedAt: at, result: 'commit 0123456789ab; web 1 → 2' })

describe('the commits of a source', () => {
  it.each([
    ['nobody asked for one', undefined, undefined, []],
    ['the last one was made', undefined, ended, [{ state: 'done', at, message: ended.result }]],
    ['one is tried again', conflict, ended, [{ state: 'stopped', reason: 'GitConflict', at, nextTryAt: at }]],
    [
      'one runs, after another failed for good',
      job({ state: 'active' }),
      job({ state: 'failed', failure: 'GitPushRefused: x' }),
      [{ state: 'waiting' }],
    ],
    [
      'the last one failed for good',
      undefined,
      job({ state: 'failed', failure: 'GitPushRefused: x' }),
      [{ state: 'stopped', reason: 'GitPushRefused' }],
    ],
  ])('%s', (_fact, update, updated, expected) => {
    expect(commitsStep('ops/web', { update, updated })).toMatchObject(expected)
  })
})

describe('the commit that a workload waits for', () => {
  it('is not refused by what the last run said, while the next one runs', () => {
    const refused = job({ state: 'completed', result: 'nothing to change; demo:deployment/web app NotEditable: no' })
    const of = { id: 'demo:deployment/web', updated: refused }
    expect(updateState({ ...of, update: undefined }, 'w')).toMatchObject(['stopped', { message: 'w: no' }])
    expect(updateState({ ...of, update: job({ state: 'active' }) }, 'w')).toMatchObject([
      'waiting',
      { message: 'w: update-images.1 runs' },
    ])
  })
})
