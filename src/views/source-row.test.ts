import { describe, expect, it } from 'vitest'
import { AppError } from '../domain/error.ts'
import { fluxdSource, type SourceSpec } from '../domain/source/spec.ts'
import type { FetchFact, SourceStatus } from '../domain/source/status.ts'
import { type SourceFacts, sourceRow } from './source-row.ts'
import { appliedStatus } from '../../test/fakes/source-status.ts'

const head = 'a'.repeat(40)
const now = new Date('2026-11-21T10:00:00Z')
const spec: SourceSpec = {
  namespace: 'capstan-system',
  name: 'default',
  url: 'https://me:hunter2@git.example/a.git',
  ...fluxdSource,
  ref: { kind: 'branch', value: 'main' },
  branch: 'main',
  paths: [],
  pollIntervalMs: 60_000,
  syncIntervalMs: 60_000,
  syncTimeoutMs: 60_000,
  prune: false,
  pruneDry: false,
  allowedNamespaces: [],
  defaultNamespace: 'default',
}
const status: SourceStatus = appliedStatus(head)
const fetched: FetchFact = { at: '2026-11-21T09:59:30Z', head, reason: '', message: '' }
const good: SourceFacts = {
  spec,
  status,
  failure: undefined,
  fetched,
  redisIsUp: true,
  unhealthy: [],
  observedAt: now.getTime(),
  now,
}

describe('sourceRow', () => {
  it.each<[string, Partial<SourceFacts>, { ready: boolean; reason: string; message?: string }]>([
    ['at its head and applied', {}, { ready: true, reason: '', message: '3 objects applied' }],
    [
      'never synced',
      { status: undefined },
      { ready: false, reason: 'NotReady', message: 'Nothing has been applied yet.' },
    ],
    [
      'an object failed',
      { status: { ...status, ready: false, reason: 'ApplyRefused', message: '1 of 3' } },
      { ready: false, reason: 'ApplyRefused', message: '1 of 3' },
    ],
    ['not fetched yet', { fetched: undefined }, { ready: false, reason: 'NotReady' }],
    [
      'the branch moved on',
      { fetched: { ...fetched, head: 'b'.repeat(40) } },
      { ready: false, reason: 'NotReady', message: 'The branch is at bbbbbbb, which has not been applied yet.' },
    ],
    [
      'another branch was applied',
      { status: { ...status, attempted: `old@${head}` } },
      { ready: false, reason: 'NotReady' },
    ],
    [
      'the fetch failed',
      { fetched: { ...fetched, head: '', reason: 'GitUnreachable', message: 'no route' } },
      { ready: false, reason: 'GitUnreachable', message: 'no route' },
    ],
    ['fetched two intervals ago', { fetched: { ...fetched, at: '2026-11-21T09:58:00Z' } }, { ready: true, reason: '' }],
    [
      'fetched longer ago',
      { fetched: { ...fetched, at: '2026-11-21T09:57:59Z' } },
      { ready: false, reason: 'NotReady' },
    ],
    ['Redis is away', { redisIsUp: false, fetched: undefined }, { ready: false, reason: 'RedisUnavailable' }],
    [
      'the cluster is away',
      { failure: new AppError('ClusterUnavailable', 'gone') },
      { ready: false, reason: 'ClusterUnavailable', message: 'gone' },
    ],
    [
      'workloads are not healthy',
      { unhealthy: [{ id: 'a:deployment/b', state: 'failed', message: 'x' }] },
      { ready: true, reason: '' },
    ],
  ])('%s', (_fact, facts, expected) => {
    expect(sourceRow({ ...good, ...facts })).toMatchObject(expected)
  })

  it('keeps what is known while the cluster is away', () => {
    const row = sourceRow({ ...good, failure: new AppError('ClusterUnavailable', 'gone') })
    expect(row).toMatchObject({ revision: `main@${head}`, objects: 3, ready: false })
  })

  it.each<[string, SourceFacts['unhealthy'], boolean]>([
    ['none unhealthy', [], true],
    ['one unhealthy', [{ id: 'a', state: 'progressing', message: '' }], false],
    ['not known', undefined, false],
  ])('is healthy only where that is known: %s', (_fact, unhealthy, healthy) => {
    expect(sourceRow({ ...good, unhealthy }).healthy).toBe(healthy)
  })

  it('shows no password', () => {
    expect(JSON.stringify(sourceRow(good))).not.toContain('hunter2')
  })
})
