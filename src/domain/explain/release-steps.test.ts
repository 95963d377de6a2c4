import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../manifest/object.ts'
import type { Reason } from '../status/reason.ts'
import type { JobFact } from './job-fact.ts'
import { type ReleaseFacts, releaseSteps } from './release-steps.ts'
import { type StepName, verdictOf } from './step.ts'

const at = '2026-11-21T09:58:00Z'
const next = '2026-11-21T10:05:00Z'

function object(phase: string, { observed = 2 }: { observed?: number } = {}): KubeObject {
  return {
    apiVersion: 'helm.fluxcd.io/v1',
    kind: 'HelmRelease',
    metadata: { name: 'web', namespace: 'demo', generation: 2 },
    status: {
      observedGeneration: observed,
      phase,
      conditions: [{ type: 'Released', status: 'True', reason: phase, message: '', lastUpdateTime: at }],
    },
  }
}
const good: ReleaseFacts = {
  id: 'demo/web',
  object: object('Succeeded'),
  suspended: undefined,
  ready: true,
  reason: '',
  message: '',
  chart: 'podinfo@6.5.4',
  revision: 3,
  retryAt: '',
  job: undefined,
  redisIsUp: true,
  observedAt: '2026-11-21T10:00:00Z',
}
const job = (change: Partial<JobFact>): JobFact => ({
  id: 'sync-release.1',
  state: 'waiting',
  requestedAt: at,
  ...change,
})
const bad = (reason: string, phase = 'DeployFailed', message = 'no') => ({
  ready: false,
  reason,
  message,
  object: object(phase),
})

type Expected = { step: StepName; reason: Reason; message?: string; at?: string; nextTryAt?: string; command?: string }

describe('the first cause of a release', () => {
  it.each<[fact: string, facts: Partial<ReleaseFacts>, expected: Expected | undefined]>([
    ['there is none where it is deployed', {}, undefined],
    [
      'a hook fails, and our record says when it is tried again',
      { ...bad('HookFailed', 'DeployFailed', 'pre-upgrade hooks failed'), retryAt: next },
      { step: 'apply', reason: 'HookFailed', message: 'pre-upgrade hooks failed', at, nextTryAt: next },
    ],
    [
      'the job knows better when it is tried again',
      { ...bad('HelmFailed'), retryAt: at, job: job({ state: 'delayed', nextRunAt: next }) },
      { step: 'apply', reason: 'HelmFailed', nextTryAt: next },
    ],
    ['a quota leaves no room for it', bad('QuotaExceeded'), { step: 'apply', reason: 'QuotaExceeded' }],
    ['the chart is not there', bad('ChartNotFound', 'ChartFetchFailed'), { step: 'apply', reason: 'ChartNotFound' }],
    ['a phase of the ancestor says no word of ours', bad('DeployFailed'), { step: 'apply', reason: 'HelmFailed' }],
    ['it depends on another', bad('DependencyNotReady', 'Failed'), { step: 'hold', reason: 'DependencyNotReady', at }],
    ['somebody rolled it back', bad('RolledBack', 'RolledBack'), { step: 'hold', reason: 'RolledBack' }],
    [
      'somebody rolled it back; that it is looked at again is no next try',
      { ...bad('RolledBack', 'RolledBack'), job: job({ state: 'delayed', nextRunAt: next }) },
      { step: 'hold', reason: 'RolledBack', nextTryAt: '' },
    ],
    [
      'it waits for another one, and is tried again',
      { ...bad('DependencyNotReady', 'Pending'), job: job({ state: 'delayed', nextRunAt: next }) },
      { step: 'hold', reason: 'DependencyNotReady', nextTryAt: next },
    ],
    [
      'somebody suspended it, though what is there is deployed',
      { suspended: { by: 'ana', why: 'audit', since: at } },
      {
        step: 'hold',
        reason: 'Suspended',
        message: `suspended by ana at ${at}: audit`,
        command: 'capstan helm resume demo/web',
      },
    ],
    [
      'the latest change waits for its turn',
      { ...bad('NotReady', 'Succeeded'), object: object('Succeeded', { observed: 1 }), job: job({}) },
      { step: 'queue', reason: 'NotReady', message: 'sync-release.1 waits for its turn' },
    ],
    [
      'the API server asks to slow down',
      { job: job({ state: 'delayed', failure: 'RateLimited: slow down', nextRunAt: next }) },
      { step: 'queue', reason: 'RateLimited', nextTryAt: next },
    ],
    ['Redis is away', { redisIsUp: false }, { step: 'queue', reason: 'RedisUnavailable' }],
    [
      'helm is at work',
      bad('NotReady', 'Upgrading', 'Upgrading'),
      { step: 'apply', reason: 'NotReady', message: 'Upgrading' },
    ],
  ])('%s', (_fact, facts, expected) => {
    const { cause } = verdictOf(releaseSteps({ ...good, ...facts }))
    if (expected) expect(cause).toMatchObject(expected)
    else expect(cause).toBeUndefined()
  })

  it('says what helm deployed, and when', () => {
    expect(releaseSteps(good).at(-1)).toMatchObject({
      state: 'done',
      at,
      message: "helm's revision 3, chart podinfo@6.5.4",
    })
  })
})
