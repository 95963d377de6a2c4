import { describe, expect, it } from 'vitest'
import { fluxdSource } from '../source/spec.ts'
import type { SourceFailure, SourceStatus } from '../source/status.ts'
import type { Reason } from '../status/reason.ts'
import type { JobFact } from './job-fact.ts'
import { type AboutObject, isAtHead, type SourceFacts, sourceSteps } from './source-steps.ts'
import { type StepName, verdictOf } from './step.ts'
import { appliedStatus } from '../../../test/fakes/source-status.ts'

const [old, head] = ['a'.repeat(40), 'b'.repeat(40)]
const now = Date.parse('2026-11-21T10:00:00Z')
const status: SourceStatus = appliedStatus(head, { changedAt: '2026-11-21T09:50:00Z' })
const fetched = { at: '2026-11-21T09:59:30Z', head, reason: '' as const, message: '' }
const good: SourceFacts = {
  id: 'ops/web',
  follows: 'branch main',
  branch: 'main',
  status,
  failure: undefined,
  fetched,
  pollIntervalMs: 60_000,
  suspended: fluxdSource.suspended,
  fetch: undefined,
  sync: undefined,
  redisIsUp: true,
  now,
}
const job = (change: Partial<JobFact>): JobFact => ({
  id: 'sync-source.1',
  state: 'waiting',
  requestedAt: '2026-11-21T09:59:00Z',
  ...change,
})
const stopped = (reason: Reason, message: string): SourceStatus => ({ ...status, ready: false, reason, message })
const failure = (change: Partial<SourceFailure>): SourceFailure => ({
  id: 'demo:deployment/web',
  file: 'web.yaml',
  line: 4,
  reason: 'ApplyRefused',
  message: 'no',
  since: head,
  ...change,
})
const web: AboutObject = { id: 'demo:deployment/web', isLive: true, appliedAt: '2026-11-21T09:40:00Z' }

type Expected = { step: StepName; reason: Reason; message?: string; nextTryAt?: string; command?: string }

describe('the first cause of a source', () => {
  it.each<[fact: string, facts: Partial<SourceFacts>, expected: Expected]>([
    [
      'a repository that cannot be logged into is tried again when its job says so',
      {
        fetched: { ...fetched, head: '', reason: 'GitAuthFailed', message: 'denied' },
        fetch: job({ state: 'delayed', nextRunAt: '2026-11-21T10:01:00Z' }),
      },
      { step: 'revision', reason: 'GitAuthFailed', message: 'denied', nextTryAt: '2026-11-21T10:01:00Z' },
    ],
    [
      'a commit that nobody signed is the revision’s fault',
      { status: stopped('SignatureInvalid', 'unsigned') },
      { step: 'revision', reason: 'SignatureInvalid' },
    ],
    ['nothing was fetched yet', { fetched: undefined }, { step: 'revision', reason: 'NotReady' }],
    [
      'the last fetch is long ago',
      { fetched: { ...fetched, at: '2026-11-21T09:57:00Z' } },
      { step: 'revision', reason: 'NotReady' },
    ],
    ['Redis is away', { redisIsUp: false, fetched: undefined }, { step: 'queue', reason: 'RedisUnavailable' }],
    [
      'the API server asks to slow down, which no status tells',
      {
        status: { ...status, attempted: `main@${old}` },
        sync: job({ state: 'delayed', failure: 'RateLimited: slow down', nextRunAt: '2026-11-21T10:00:09Z' }),
      },
      { step: 'queue', reason: 'RateLimited', message: 'slow down', nextTryAt: '2026-11-21T10:00:09Z' },
    ],
    [
      'the sync waits for its turn',
      { status: { ...status, attempted: `main@${old}` }, sync: job({}) },
      { step: 'queue', reason: 'NotReady', message: 'sync-source.1 waits for its turn' },
    ],
    [
      'the sync runs',
      { status: undefined, sync: job({ state: 'active' }) },
      { step: 'queue', reason: 'NotReady', message: 'sync-source.1 runs' },
    ],
    [
      'nobody has asked for a sync',
      { status: { ...status, attempted: `main@${old}` } },
      { step: 'queue', reason: 'NotReady', nextTryAt: '2026-11-21T10:00:30.000Z' },
    ],
    [
      'somebody suspended it',
      {
        status: { ...stopped('Suspended', 'x'), suspended: { by: 'ana', why: 'audit', since: '2026-11-21T08:00:00Z' } },
      },
      {
        step: 'hold',
        reason: 'Suspended',
        message: 'suspended by ana at 2026-11-21T08:00:00Z: audit',
        command: 'capstan resume ops/web',
        nextTryAt: '',
      },
    ],
    [
      'it depends on another, and is looked at again',
      {
        status: stopped('DependencyNotReady', 'it waits for source ops/base, which is not ready'),
        sync: job({ state: 'delayed', nextRunAt: '2026-11-21T10:00:20Z', waitsFor: 'x' }),
      },
      { step: 'hold', reason: 'DependencyNotReady', nextTryAt: '2026-11-21T10:00:20Z' },
    ],
    [
      'a mass deletion waits for approval of the very commit',
      { status: stopped('MassDeletion', '0 objects applied; 12 deletions wait for approval') },
      { step: 'hold', reason: 'MassDeletion', command: `capstan approve ops/web --commit ${head}` },
    ],
    [
      'an object is refused by a webhook',
      {
        status: {
          ...stopped('AdmissionDenied', '1 of 3 objects failed: no'),
          failed: [failure({ reason: 'AdmissionDenied' })],
          failedCount: 1,
        },
      },
      { step: 'apply', reason: 'AdmissionDenied', message: '1 of 3 objects failed: no (web.yaml:4)' },
    ],
    [
      'the whole of it cannot be built',
      { status: stopped('KustomizeFailed', 'no such base') },
      { step: 'apply', reason: 'KustomizeFailed', message: 'no such base' },
    ],
    [
      'the cluster does not answer',
      { failure: { reason: 'ClusterUnavailable', message: 'gone' } },
      { step: 'apply', reason: 'ClusterUnavailable' },
    ],
  ])('%s', (_fact, facts, expected) => {
    expect(verdictOf(sourceSteps({ ...good, ...facts })).cause).toMatchObject(expected)
  })

  it('is none where all is applied', () => {
    const steps = sourceSteps(good)
    expect(verdictOf(steps)).toEqual({ state: 'done' })
    expect(steps.map(({ step, state, message }) => [step, state, message])).toEqual([
      ['revision', 'done', 'branch main is at bbbbbbb'],
      ['queue', 'done', 'nothing waits to be applied'],
      ['hold', 'done', 'nothing holds it'],
      ['apply', 'done', '3 objects applied'],
    ])
  })
})

describe('the first cause of one object of a source', () => {
  const failed = { ...stopped('ApplyRefused', '1 of 3 objects failed'), failedCount: 1 }
  it.each<[fact: string, facts: Partial<SourceFacts>, about: AboutObject, expected: Expected | undefined]>([
    [
      'is its own refusal',
      { status: { ...failed, failed: [failure({ reason: 'QuotaExceeded' })] } },
      web,
      { step: 'apply', reason: 'QuotaExceeded', message: 'web.yaml:4: no' },
    ],
    [
      'is not the refusal of another',
      { status: { ...failed, failed: [failure({ id: 'demo:deployment/other' })] } },
      web,
      undefined,
    ],
    [
      'may be a file that cannot be read, where it is not there',
      { status: { ...failed, failed: [failure({ id: '', reason: 'InvalidYAML' })] } },
      { ...web, isLive: false },
      { step: 'apply', reason: 'InvalidYAML', message: 'web.yaml:4: no; it may be defined there' },
    ],
    ['is not the deletion of others that waits', { status: stopped('MassDeletion', 'x') }, web, undefined],
    [
      'is the deletion that waits where it is its own',
      { status: { ...status, held: [failure({ reason: 'MassDeletion', message: 'many' })] } },
      web,
      { step: 'hold', reason: 'MassDeletion', message: 'many' },
    ],
    [
      'is a field that somebody changes',
      {
        status: {
          ...status,
          drifted: [
            {
              id: web.id,
              file: '',
              line: 0,
              manager: 'kubectl',
              at: '',
              fields: ['.spec.replicas'],
              reason: 'DriftFight',
            },
          ],
        },
      },
      web,
      { step: 'apply', reason: 'DriftFight', message: '.spec.replicas changed by kubectl' },
    ],
    ['is that it is not there', {}, { ...web, isLive: false }, { step: 'apply', reason: 'NotReady' }],
    [
      'is a failure of the whole source',
      { status: stopped('KustomizeFailed', 'x') },
      web,
      { step: 'apply', reason: 'KustomizeFailed' },
    ],
  ])('%s', (_fact, facts, about, expected) => {
    const { cause } = verdictOf(sourceSteps({ ...good, ...facts }, about))
    if (expected) expect(cause).toMatchObject(expected)
    else expect(cause).toBeUndefined()
  })

  it('says when it was applied last', () => {
    expect(sourceSteps(good, web).at(-1)).toMatchObject({
      of: web.id,
      at: web.appliedAt,
      message: 'applied with main@bbbbbbb',
    })
  })
})

describe('being at the head', () => {
  it.each<[fact: string, facts: Partial<SourceFacts>, expected: boolean]>([
    ['tried as fetched', {}, true],
    ['never tried', { status: undefined }, false],
    ['never fetched', { fetched: undefined }, false],
    ['tried from another branch', { status: { ...status, attempted: `old@${head}` } }, false],
    ['tried from a tag that is followed', { branch: '', status: { ...status, attempted: `v1@${head}` } }, true],
  ])('%s', (_fact, facts, expected) => {
    expect(isAtHead({ ...good, ...facts })).toBe(expected)
  })
})
