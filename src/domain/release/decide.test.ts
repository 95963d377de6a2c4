import { describe, expect, it } from 'vitest'
import { decide, type Step } from './decide.ts'
import type { Failed, ReleaseRecord } from './record.ts'
import { readSpec, type ReleaseSpec } from './spec.ts'
import type { ReleaseFacts, ReleaseState, StoredRevision } from './state.ts'

const now = Date.parse('2026-01-01T00:10:00Z')
const past = '2026-01-01T00:09:00Z'
const future = '2026-01-01T00:10:30Z'

const failed: Failed = {
  inputs: 'c+v',
  by: 'upgrade',
  generation: 1,
  attempts: 2,
  revision: 2,
  stored: true,
  rollbacks: 0,
  reason: 'HelmFailed',
  message: 'no',
  at: past,
  retryAt: future,
}

function spec(given: Record<string, unknown> = {}): ReleaseSpec {
  const metadata = { name: 'web', namespace: 'a', uid: 'me', generation: 1 }
  const object = { apiVersion: 'helm.fluxcd.io/v1', kind: 'HelmRelease', metadata, spec: given }
  return readSpec(object, { gitRef: 'master', updateDependencies: true })
}

function appliedUntil(until: string) {
  const readyDue = { by: 'upgrade' as const, since: past, until }
  return { chart: 'c', chartRevision: '1', values: 'v', revision: 1, readyDue }
}

type Given = {
  states?: StoredRevision['state'][]
  failed?: Partial<Failed>
  intent?: NonNullable<ReleaseRecord['intent']>['verb']
  spec?: Record<string, unknown>
  asked?: boolean
  keep?: boolean
  upgrades?: number
  readyUntil?: string
  readiness?: ReleaseFacts['readiness']
  good?: number
}

function step(state: Exclude<ReleaseState, 'inputs needed'>, given: Given = {}): Step {
  const revisions = (given.states ?? []).map((one, index) => ({ revision: index + 1, state: one, changedAt: now }))
  const intent = given.intent && { verb: given.intent, revision: 1, epoch: 'e', at: '', inputs: '' }
  const record: ReleaseRecord = {
    version: 1,
    owner: { uid: 'me', namespace: 'a', name: 'web' },
    since: '',
    ...(intent ? { intent } : {}),
    ...(given.good ? { good: given.good } : {}),
    ...(given.readyUntil ? { applied: appliedUntil(given.readyUntil) } : {}),
    ...(given.failed ? { failed: { ...failed, ...given.failed } } : {}),
    ...(given.upgrades ? { upgrades: { inputs: 'c+v', generation: 1, count: given.upgrades, at: past } } : {}),
  }
  const wanted = { chart: 'c', values: 'v' }
  const facts: ReleaseFacts = { now, uid: 'me', revisions, record, wanted, intentIsDead: true, wasRolledBack: false }
  if (given.readiness) facts.readiness = given.readiness
  return decide(state, facts, spec(given.spec), {
    isAskedFor: given.asked ?? false,
    upgradeLimit: 3,
    keepFailedInstall: given.keep ?? false,
  })
}

const tests = { test: { enable: true } }
const rollback = (more: Record<string, unknown> = {}) => ({ rollback: { enable: true, ...more } })

describe('decide', () => {
  it.each<[string, Exclude<ReleaseState, 'inputs needed'>, Given, string]>([
    ['installs what is absent', 'absent', {}, 'install'],
    ['leaves alone what is in sync', 'in sync', {}, 'nothing'],
    ['upgrades when inputs changed', 'out of sync', {}, 'upgrade'],
    ['upgrades what differs at first contact', 'foreign inputs', {}, 'upgrade'],
    ['undoes what was done by hand', 'changed by hand', {}, 'upgrade'],
    ['adopts without helm', 'adoptable', {}, 'adopt'],
    ['tests what is due', 'untested', { spec: { test: { enable: true } } }, 'test'],
    ['does not test when tests were switched off', 'untested', {}, 'nothing'],
    ['purges the history of what was removed by hand', 'removed', {}, 'remove remains'],
    ['waits for another process', 'busy', { intent: 'upgrade' }, 'wait'],
    ['holds foreign trouble', 'foreign trouble', { states: ['failed'] }, 'hold'],
    ['holds what belongs to another', 'foreign owner', {}, 'hold'],
    [
      'unlocks an interrupted upgrade',
      'interrupted',
      { states: ['deployed', 'pending-upgrade'], intent: 'upgrade' },
      'unlock',
    ],
    [
      'removes an interrupted first install',
      'interrupted',
      { states: ['pending-install'], intent: 'install' },
      'remove remains',
    ],
    ['goes on with an interrupted removal', 'interrupted', { states: ['uninstalling'] }, 'remove remains'],
    ['upgrades over a failed revision', 'failed', { states: ['deployed', 'failed'] }, 'upgrade'],
    [
      'removes a failed first install of ours',
      'failed',
      { states: ['failed'], failed: { by: 'install' } },
      'remove remains',
    ],
    ['does not remove a failed install of somebody else', 'failed', { states: ['failed'] }, 'upgrade'],
    ['goes on below the limit of upgrades', 'changed by hand', { upgrades: 2 }, 'upgrade'],
    ['stops a loop of changes by hand', 'changed by hand', { upgrades: 3 }, 'hold'],
    ['stops a loop of foreign inputs', 'foreign inputs', { upgrades: 4 }, 'hold'],
    ['stops a loop of inputs that are never in sync', 'out of sync', { upgrades: 3 }, 'hold'],
    ['stops a loop of interrupted upgrades', 'failed', { states: ['deployed', 'failed'], upgrades: 3 }, 'hold'],
    [
      'waits for readiness without a worker',
      'unready',
      { states: ['deployed'], readyUntil: future, readiness: { isReady: false, why: 'x' }, spec: { wait: true } },
      'wait',
    ],
    [
      'notes that it is ready',
      'unready',
      { states: ['deployed'], readyUntil: past, readiness: { isReady: true, why: '' }, spec: { wait: true } },
      'note ready',
    ],
    [
      'gives up waiting at the end of the timeout',
      'unready',
      { states: ['deployed'], readyUntil: past, readiness: { isReady: false, why: 'x' }, spec: { wait: true } },
      'give up waiting',
    ],
    [
      'goes on giving up where the revision is marked already',
      'unready',
      { states: ['failed'], readyUntil: future, spec: { wait: true } },
      'give up waiting',
    ],
    [
      'waits no longer when waiting was switched off',
      'unready',
      { states: ['deployed'], readyUntil: future },
      'note ready',
    ],
    [
      'installs anew whatever was upgraded before',
      'failed',
      { states: ['failed'], failed: { by: 'install' }, upgrades: 3 },
      'remove remains',
    ],
  ])('%s', (_name, state, given, expected) => {
    expect(step(state, given).do).toBe(expected)
  })

  it.each<[string, Given, string]>([
    ['waits for the back-off', { states: ['deployed', 'failed'], failed: {} }, 'wait'],
    ['tries again after it', { states: ['deployed', 'failed'], failed: { retryAt: past } }, 'upgrade'],
    ['tries at once when a person asks', { states: ['deployed', 'failed'], failed: {}, asked: true }, 'upgrade'],
    ['tries at once for a new generation', { states: ['deployed', 'failed'], failed: { generation: 0 } }, 'upgrade'],
    ['tries at once with another account', { states: ['deployed', 'failed'], failed: { account: 'bot' } }, 'upgrade'],
    ['installs again what is gone', { failed: { by: 'install', retryAt: past } }, 'install'],
    [
      'removes a failed first install before it waits',
      { states: ['failed'], failed: { by: 'install', revision: 1 } },
      'remove remains',
    ],
    [
      'keeps a failed first install where that is the policy',
      { states: ['failed'], failed: { by: 'install', revision: 1 }, keep: true },
      'wait',
    ],
    [
      'upgrades over a failed first install that was kept',
      { states: ['failed'], failed: { by: 'install', revision: 1, retryAt: past }, keep: true },
      'upgrade',
    ],
    [
      'removes nothing when nothing was stored',
      { states: ['superseded', 'deployed'], failed: { by: 'install', stored: false } },
      'wait',
    ],
    ['rolls back before it waits', { states: ['deployed', 'failed'], failed: {}, spec: rollback() }, 'rollback'],
    [
      'does not roll back what stored no revision',
      { states: ['superseded', 'deployed'], failed: { stored: false }, spec: rollback() },
      'wait',
    ],
    [
      'gives up after a rollback without retry',
      {
        states: ['superseded', 'failed', 'deployed'],
        failed: { rolledBackTo: 3, rollbacks: 1, retryAt: past },
        spec: rollback(),
      },
      'hold',
    ],
    [
      'tries again within the budget',
      {
        states: ['superseded', 'failed', 'deployed'],
        failed: { rolledBackTo: 3, rollbacks: 1, retryAt: past },
        spec: rollback({ retry: true, maxRetries: 1 }),
      },
      'upgrade',
    ],
    [
      'gives up when the budget is spent',
      {
        states: ['superseded', 'failed', 'deployed'],
        failed: { rolledBackTo: 3, rollbacks: 2, retryAt: past },
        spec: rollback({ retry: true, maxRetries: 1 }),
      },
      'hold',
    ],
    [
      'has a new budget with another account',
      {
        states: ['superseded', 'failed', 'deployed'],
        failed: { rolledBackTo: 3, rollbacks: 2, account: 'bot' },
        spec: rollback({ retry: true, maxRetries: 1 }),
      },
      'upgrade',
    ],
    [
      'never gives up with maxRetries 0',
      {
        states: ['superseded', 'failed', 'deployed'],
        failed: { rolledBackTo: 3, rollbacks: 99, retryAt: past },
        spec: rollback({ retry: true, maxRetries: 0 }),
      },
      'upgrade',
    ],
    [
      'rolls back again when the rollback was cut off',
      { states: ['deployed', 'failed', 'failed'], failed: { rolledBackTo: 3, rollbacks: 1 }, spec: rollback() },
      'rollback',
    ],
    [
      'waits for what a rollback made, without a worker',
      {
        states: ['superseded', 'failed', 'deployed'],
        failed: { rolledBackTo: 3, rollbacks: 1, rollbackDue: { since: past, until: future } },
        readiness: { isReady: false, why: 'x' },
        spec: rollback({ wait: true }),
      },
      'wait',
    ],
    [
      'notes that what a rollback made is ready',
      {
        states: ['superseded', 'failed', 'deployed'],
        failed: { rolledBackTo: 3, rollbacks: 1, rollbackDue: { since: past, until: future } },
        readiness: { isReady: true, why: '' },
        spec: rollback({ wait: true }),
      },
      'note rolled back',
    ],
    [
      'gives up what a rollback made at the end of its timeout',
      {
        states: ['superseded', 'failed', 'deployed'],
        failed: { rolledBackTo: 3, rollbacks: 1, rollbackDue: { since: past, until: past } },
        readiness: { isReady: false, why: 'x' },
        spec: rollback({ wait: true }),
      },
      'give up rollback',
    ],
    [
      'waits before a failed rollback is tried again',
      { states: ['deployed', 'failed'], failed: { rollbackFailed: 'no' }, spec: rollback() },
      'wait',
    ],
    [
      'tests again without a new revision',
      { states: ['superseded', 'deployed'], failed: { by: 'test', retryAt: past }, spec: tests },
      'test',
    ],
    [
      'rolls back when tests fail',
      { states: ['superseded', 'deployed'], failed: { by: 'test' }, spec: { ...tests, ...rollback() } },
      'rollback',
    ],
    [
      'removes a first install whose tests failed',
      { states: ['deployed'], failed: { by: 'test', revision: 1 }, spec: tests },
      'remove remains',
    ],
    [
      'takes what failed its tests as it is once tests are switched off',
      { states: ['superseded', 'deployed'], failed: { by: 'test', generation: 0 }, spec: rollback() },
      'adopt',
    ],
    [
      'keeps a first install that failed its tests once tests are switched off',
      { states: ['deployed'], failed: { by: 'test', revision: 1 } },
      'adopt',
    ],
    [
      'tries again what was rolled back for its tests once tests are switched off',
      { states: ['superseded', 'superseded', 'deployed'], failed: { by: 'test', generation: 0, rolledBackTo: 3 } },
      'upgrade',
    ],
    [
      'does not roll back what was good before its tests were switched on',
      { states: ['superseded', 'deployed'], failed: { by: 'test' }, good: 2, spec: { ...tests, ...rollback() } },
      'wait',
    ],
    [
      'does not remove what was good before its tests were switched on',
      { states: ['deployed'], failed: { by: 'test', revision: 1, retryAt: past }, good: 1, spec: tests },
      'test',
    ],
  ])('after a failure with the same inputs: %s', (_name, given, expected) => {
    expect(step('failed inputs', given).do).toBe(expected)
  })

  it('rolls back to the revision that was good, not to one whose tests had failed', () => {
    const states = ['superseded', 'superseded', 'failed'] as const
    const given = { failed: { revision: 3 }, spec: rollback(), states: [...states] }
    expect(step('failed inputs', { ...given, good: 1 })).toMatchObject({ do: 'rollback', revision: 1 })
    expect(step('failed inputs', { ...given, good: 9 })).toMatchObject({ do: 'rollback', revision: 2 })
  })

  it('looks for readiness soon at first, then seldom, and at the end of the timeout', () => {
    const given = (until: string) => ({
      states: ['deployed' as const],
      readyUntil: until,
      readiness: { isReady: false, why: 'x' },
      spec: { wait: true },
    })
    expect(step('unready', given('2026-01-01T00:30:00Z'))).toMatchObject({ afterMs: 15_000, message: 'waiting for x' })
    expect(step('unready', given('2026-01-01T00:10:02Z'))).toMatchObject({ afterMs: 2_000 })
  })

  it('says when it tries again, and rolls back to the last good revision by number', () => {
    expect(step('failed inputs', { states: ['deployed', 'failed'], failed: {} })).toMatchObject({ afterMs: 30_000 })
    const given = { states: ['superseded', 'failed', 'failed'] as const, failed: { revision: 3 }, spec: rollback() }
    expect(step('failed inputs', { ...given, states: [...given.states] })).toMatchObject({
      do: 'rollback',
      revision: 1,
    })
  })
})
