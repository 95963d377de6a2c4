import { describe, expect, it } from 'vitest'
import { type Condition, type MirroredSource, mirrorStatus, outcomeOf, type SeenSource } from './condition.ts'
import type { SourceStatus } from './status.ts'

const commit = '0123456789abcdef0123456789abcdef01234567'
const source: MirroredSource = {
  namespace: 'team',
  name: 'shop',
  suspended: undefined,
  object: { uid: 'u', generation: 4, request: 'tuesday' },
}
const applied: SourceStatus = {
  version: 1,
  revision: `main@${commit}`,
  attempted: `main@${commit}`,
  ready: true,
  reason: '',
  message: '7 objects applied',
  objects: 7,
  failed: [],
  failedCount: 0,
  held: [],
  drifted: [],
  inventory: { parts: ['shop-inventory-x-0'], digest: 'x', count: 7 },
  holder: 'h',
  changedAt: '2026-01-01T00:00:00Z',
}
const now = '2026-02-02T02:02:02Z'
const fresh = { before: {}, now }

function shown(seen: SeenSource, of: MirroredSource = source): string[] {
  return mirrorStatus(of, seen, fresh).conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`)
}

describe('mirrorStatus', () => {
  it('copies what the ConfigMap says', () => {
    expect(mirrorStatus(source, { status: { ...applied, failedCount: 2 } }, fresh)).toMatchObject({
      observedGeneration: 4,
      revision: `main@${commit}`,
      attempted: `main@${commit}`,
      objects: 7,
      failed: 2,
      held: 0,
      inventory: { parts: ['shop-inventory-x-0'], digest: 'x', count: 7 },
      suspended: false,
      lastHandledRequest: 'tuesday',
    })
  })

  const drift = { id: 'a:deployment/b', file: '', line: 0, manager: 'kubectl', at: '', fields: ['.spec.replicas'] }
  const drifted: SourceStatus['drifted'] = [{ ...drift, reason: 'Drifted' }]
  const waiting = { since: now, count: 2, unhealthy: [{ id: 'a:job/b', state: 'failed' as const, message: 'no' }] }
  const suspended = { by: 'ann', why: 'a freeze', since: '' }
  const failed = { ...applied, ready: false, reason: 'ApplyRefused' as const, message: '1 of 7 objects failed' }
  const table: [string, SeenSource, MirroredSource, string[]][] = [
    ['never synced', {}, source, ['Ready=Unknown NotReady']],
    ['applied', { status: applied }, source, ['Ready=True Applied']],
    ['failed in part', { status: failed }, source, ['Ready=False ApplyRefused']],
    [
      'not fetched, whatever was applied before',
      { status: applied, fetch: { reason: 'GitUnreachable', message: 'no answer' } },
      source,
      ['Ready=False GitUnreachable'],
    ],
    [
      'without its branch, which only people can mend',
      { fetch: { reason: 'GitRefNotFound', message: 'no branch x' } },
      source,
      ['Ready=False GitRefNotFound', 'Stalled=True GitRefNotFound'],
    ],
    [
      'with a spec that cannot be used',
      { status: applied, problem: { reason: 'InvalidSource', message: 'spec.url is missing' } },
      source,
      ['Ready=False InvalidSource', 'Stalled=True InvalidSource'],
    ],
    ['suspended', { status: applied }, { ...source, suspended }, ['Ready=False Suspended', 'Suspended=True Suspended']],
    [
      'suspended by a person’s command',
      { status: { ...applied, suspended } },
      source,
      ['Ready=False Suspended', 'Suspended=True Suspended'],
    ],
    [
      'healthy, where it waits for that',
      { status: applied },
      { ...source, wait: true },
      ['Ready=True Applied', 'Healthy=True Healthy'],
    ],
    [
      'not healthy yet',
      { status: { ...failed, reason: 'NotHealthy', waiting } },
      { ...source, wait: true },
      ['Ready=False NotHealthy', 'Healthy=False NotHealthy'],
    ],
    ['drifted', { status: { ...applied, drifted } }, source, ['Ready=True Applied', 'Drifted=True Drifted']],
    [
      'in a fight',
      { status: { ...failed, reason: 'DriftFight', drifted: [{ ...drift, reason: 'DriftFight' }] } },
      source,
      ['Ready=False DriftFight', 'Drifted=True DriftFight'],
    ],
  ]
  it.each(table)('says that a source is %s', (_what, seen, of, expected) => expect(shown(seen, of)).toEqual(expected))

  it('keeps the time of a condition until its status changes', () => {
    const ready: Condition = {
      type: 'Ready',
      status: 'False',
      reason: 'GitUnreachable',
      message: 'old',
      observedGeneration: 3,
      lastTransitionTime: '2020-01-01T00:00:00Z',
    }
    const before = { conditions: [ready] }
    const still = mirrorStatus(source, { status: failed }, { before, now }).conditions[0]
    expect(still).toMatchObject({
      reason: 'ApplyRefused',
      observedGeneration: 4,
      lastTransitionTime: '2020-01-01T00:00:00Z',
    })
    const turned = mirrorStatus(source, { status: applied }, { before, now }).conditions[0]
    expect(turned).toMatchObject({ status: 'True', lastTransitionTime: now })
  })

  it('names who suspended it, why, and the fields that drifted', () => {
    const { conditions } = mirrorStatus({ ...source, suspended }, { status: { ...applied, drifted } }, fresh)
    expect(conditions.map(({ message }) => message)).toEqual([
      'Suspended by ann: a freeze',
      'a:deployment/b: .spec.replicas changed by kubectl',
      'Suspended by ann: a freeze',
    ])
  })

  it('cuts a message that is longer than a thousand characters', () => {
    const { conditions } = mirrorStatus(source, { status: { ...failed, message: 'x'.repeat(5000) } }, fresh)
    expect(conditions[0]?.message).toHaveLength(1000)
  })
})

describe('outcomeOf', () => {
  it('is the same for the same outcome with other words, and empty where there is none yet', () => {
    const one = mirrorStatus(source, { status: applied }, fresh)
    const other = mirrorStatus(source, { status: { ...applied, message: '8 objects applied' } }, fresh)
    expect([outcomeOf(one), outcomeOf(other), outcomeOf({})]).toEqual(['True Applied', 'True Applied', ''])
  })
})
