import { describe, expect, it } from 'vitest'
import { operatorDefinition } from './definition.ts'
import { type Condition, enterPhase, outcomeOf, type Phase, type ReleaseStatus } from './phase.ts'

const all = { takesCondition: () => true, takesPhase: () => true, takesField: () => true }
const now = '2026-01-01T00:00:00Z'
const later = '2026-01-01T00:01:00Z'

function enter(
  phase: Phase,
  status: ReleaseStatus = {},
  more: { message?: string; now?: string; ignore?: boolean } = {},
) {
  const { message = 'm', ignore = false } = more
  return enterPhase(status, { phase, message, now: more.now ?? now, definition: all, ignoreTestFailure: ignore })
}

function words({ conditions = [] }: ReleaseStatus): string {
  return conditions.map(({ type, status }) => `${type}=${status}`).join(' ')
}

describe('enterPhase', () => {
  it.each<[Phase, string]>([
    ['ChartFetched', 'ChartFetched=True'],
    ['ChartFetchFailed', 'ChartFetched=False Released=False Ready=False'],
    ['Installing', 'ChartFetched=True Deployed=Unknown Ready=Unknown'],
    ['Upgrading', 'ChartFetched=True Deployed=Unknown Ready=Unknown'],
    ['Deployed', 'Deployed=True'],
    ['DeployFailed', 'ChartFetched=True Deployed=False Released=False Ready=False'],
    ['Testing', 'Tested=Unknown'],
    ['Tested', 'Tested=True'],
    ['TestFailed', 'Tested=False Released=False Ready=False'],
    ['Succeeded', 'ChartFetched=True Deployed=True Released=True Ready=True'],
    ['Failed', 'Released=False Ready=False'],
    ['RollingBack', 'RolledBack=Unknown'],
    ['RolledBack', 'RolledBack=True'],
    ['RollbackFailed', 'RolledBack=False'],
    ['Suspended', 'Suspended=True'],
  ])('%s sets %s (helm-operator §1.3)', (phase, expected) => {
    const status = enter(phase)
    expect(words(status)).toBe(expected)
    expect(status.phase).toBe(phase)
    for (const { reason } of status.conditions ?? []) expect(reason).toBe(phase)
  })

  it('keeps a failed test away from the release where it is to be ignored', () => {
    expect(words(enter('TestFailed', {}, { ignore: true }))).toBe('Tested=False')
  })

  it('changes nothing when the same is said again', () => {
    const status = enter('Succeeded')
    expect(enter('Succeeded', status, { now: later })).toEqual(status)
  })

  it('keeps the time of transition when only the words change', () => {
    const again = enter('Failed', enter('Failed'), { message: 'other', now: later })
    expect(again.conditions?.[0]).toMatchObject({ lastTransitionTime: now, lastUpdateTime: later, message: 'other' })
  })

  it('forgets a rollback, and its count, with the next success', () => {
    const status = enter('Succeeded', { ...enter('RolledBack'), rollbackCount: 3 })
    expect(words(status)).not.toContain('RolledBack')
    expect(status).not.toHaveProperty('rollbackCount')
  })

  it('leaves out what the Operator’s definition would refuse', () => {
    const change = { message: '', now, definition: operatorDefinition }
    expect(words(enterPhase({}, { ...change, phase: 'Succeeded' }))).not.toContain('Ready')
    expect(enterPhase({ phase: 'Succeeded' }, { ...change, phase: 'Suspended' })).toEqual({ phase: 'Succeeded' })
  })
})

describe('outcomeOf', () => {
  const released = (status: Condition['status'], message: string): ReleaseStatus => ({
    conditions: [{ type: 'Released', status, reason: 'Failed', message, lastTransitionTime: now, lastUpdateTime: now }],
  })
  it('is the same for the same failure in other words', () => {
    expect(outcomeOf(released('False', 'HelmFailed: a'))).toBe(outcomeOf(released('False', 'HelmFailed: b')))
    expect(outcomeOf(released('False', 'HelmFailed: a'))).not.toBe(outcomeOf(released('False', 'InvalidValues: a')))
    expect(outcomeOf(released('True', 'x'))).not.toBe(outcomeOf({}))
  })
})
