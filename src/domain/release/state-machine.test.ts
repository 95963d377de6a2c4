import { describe, expect, it } from 'vitest'
import { decide, type Policy } from './decide.ts'
import { inputsOf, type ReleaseRecord } from './record.ts'
import { readSpec } from './spec.ts'
import { type ReleaseFacts, type ReleaseState, releaseState, type StoredRevision } from './state.ts'

/** helm-operator §4 row by row, and each [BUG]: facts → state → step, as one table. */
const now = Date.parse('2026-01-01T01:00:00Z')
const wanted = { chart: 'c', values: 'v' }
const inputs = inputsOf(wanted)
const owner = { uid: 'me', namespace: 'a', name: 'web' }
const applied = { ...wanted, chartRevision: '1', revision: 1 }
const other = { ...applied, chart: 'older' }
const failure = {
  inputs,
  by: 'upgrade' as const,
  generation: 1,
  attempts: 1,
  revision: 2,
  stored: true,
  rollbacks: 0,
  reason: 'HelmFailed' as const,
  message: 'no',
  at: '2026-01-01T00:59:00Z',
  retryAt: '2026-01-01T00:59:30Z',
}
const later = { retryAt: '2026-01-01T02:00:00Z' }
const intent = (verb: 'install' | 'upgrade' | 'rollback', revision: number) => ({
  verb,
  revision,
  epoch: 'e',
  at: '',
  inputs,
})

type Given = {
  /** States of the stored revisions, oldest first. */
  stored?: StoredRevision['state'][]
  record?: Partial<ReleaseRecord>
  facts?: Partial<ReleaseFacts>
  spec?: Record<string, unknown>
  policy?: Partial<Policy>
}

function step({ stored = [], record, facts, spec = {}, policy }: Given): string {
  const revisions = stored.map((state, index) => ({ revision: index + 1, state, changedAt: now - 60_000 }))
  const seen: ReleaseFacts = {
    now,
    uid: 'me',
    revisions,
    record: record && { version: 1, owner, since: '2026-01-01T00:00:00Z', ...record },
    intentIsDead: true,
    wasRolledBack: false,
    wanted,
    ...facts,
  }
  const metadata = { name: 'web', namespace: 'a', uid: 'me', generation: 1 }
  const object = { apiVersion: 'helm.fluxcd.io/v1', kind: 'HelmRelease', metadata, spec }
  const rules = { isAskedFor: false, upgradeLimit: 10, keepFailedInstall: false, ...policy }
  const state = releaseState(seen) as Exclude<ReleaseState, 'inputs needed'>
  const next = decide(state, seen, readSpec(object, { gitRef: 'master', updateDependencies: true }), rules)
  if (next.do === 'rollback') return `rollback to ${next.revision}`
  return next.do === 'hold' || next.do === 'wait' ? `${next.do}: ${next.reason}` : next.do
}

const tests = { test: { enable: true } }
const rollback = (more: Record<string, unknown> = {}) => ({ rollback: { enable: true, ...more } })

describe('helm-operator §4.1, determining the action', () => {
  it.each<[string, Given, string]>([
    ['2 no release: install', {}, 'install'],
    ['2 with the annotation of a migration and no helm 2: plain install', { spec: { helmVersion: 'v3' } }, 'install'],
    [
      '3 owned by another HelmRelease',
      { stored: ['deployed'], facts: { otherOwner: 'b:helmrelease/x' } },
      'hold: OtherWriter',
    ],
    ['4 failed, not ours, first contact', { stored: ['failed'] }, 'hold: AdoptionHold'],
    ['4 pending, not ours, first contact', { stored: ['pending-install'] }, 'hold: AdoptionHold'],
    ['4 superseded without a deployed one, first contact', { stored: ['superseded'] }, 'hold: AdoptionHold'],
    ['4 uninstalled with history, first contact', { stored: ['uninstalled'] }, 'hold: AdoptionHold'],
    ['4 failed, ours: heals itself (complaint 2)', { stored: ['deployed', 'failed'], record: { applied } }, 'upgrade'],
    ['4 uninstalled by hand, ours', { stored: ['uninstalled'], record: { applied } }, 'remove remains'],
    [
      '4 pending, ours, its process dead (complaint 1)',
      { stored: ['deployed', 'pending-upgrade'], record: { intent: intent('upgrade', 2) } },
      'unlock',
    ],
    [
      '4 pending install, ours, its process dead',
      { stored: ['pending-install'], record: { intent: intent('install', 1) } },
      'remove remains',
    ],
    [
      '4 pending rollback, ours, its process dead',
      {
        stored: ['superseded', 'failed', 'pending-rollback'],
        record: { intent: intent('rollback', 3), failed: failure },
      },
      'unlock',
    ],
    [
      '4 pending, ours, its process alive',
      {
        stored: ['deployed', 'pending-upgrade'],
        record: { intent: intent('upgrade', 2) },
        facts: { intentIsDead: false },
      },
      'wait: OtherWriter',
    ],
    [
      '4 pending by somebody else for a minute on a release of ours',
      { stored: ['deployed', 'pending-upgrade'], record: { applied } },
      'wait: OtherWriter',
    ],
    [
      '4 pending by somebody else for 15 min on a release of ours',
      {
        record: { applied },
        facts: { revisions: [{ revision: 2, state: 'pending-upgrade', changedAt: now - 16 * 60_000 }] },
      },
      'unlock',
    ],
    ['5 spec changed: upgrade', { stored: ['deployed'], record: { applied: other } }, 'upgrade'],
    ['5 adopted, not what is wanted: upgrade', { stored: ['deployed'], facts: { storedIsWanted: false } }, 'upgrade'],
    [
      '5 adopted, what is wanted: no needless revision',
      { stored: ['deployed'], facts: { storedIsWanted: true } },
      'adopt',
    ],
    [
      '6 rolled back by the Operator: stands still (ruling 10)',
      { stored: ['superseded', 'failed', 'deployed'], facts: { wasRolledBack: true } },
      'hold: AdoptionHold',
    ],
    [
      '6a retry within the budget',
      {
        stored: ['superseded', 'failed', 'deployed'],
        record: { failed: { ...failure, rolledBackTo: 3, rollbacks: 5 } },
        spec: rollback({ retry: true }),
      },
      'upgrade',
    ],
    [
      '6a budget spent',
      {
        stored: ['superseded', 'failed', 'deployed'],
        record: { failed: { ...failure, rolledBackTo: 3, rollbacks: 6 } },
        spec: rollback({ retry: true }),
      },
      'hold: HelmFailed',
    ],
    [
      '6a maxRetries 0 is endless',
      {
        stored: ['superseded', 'failed', 'deployed'],
        record: { failed: { ...failure, rolledBackTo: 3, rollbacks: 99 } },
        spec: rollback({ retry: true, maxRetries: 0 }),
      },
      'upgrade',
    ],
    [
      '6a a new generation has a new budget (complaint 8)',
      {
        stored: ['superseded', 'failed', 'deployed'],
        record: { failed: { ...failure, generation: 0, rolledBackTo: 3, rollbacks: 99 } },
        spec: rollback(),
      },
      'upgrade',
    ],
    [
      '6b no retry asked for',
      {
        stored: ['superseded', 'failed', 'deployed'],
        record: { failed: { ...failure, rolledBackTo: 3, rollbacks: 1 } },
        spec: rollback(),
      },
      'hold: HelmFailed',
    ],
    [
      '7 chart changed: upgrade',
      { stored: ['deployed'], record: { applied: { ...applied, chart: 'older' } } },
      'upgrade',
    ],
    ['8 nothing changed: no dry run, nothing', { stored: ['deployed'], record: { applied } }, 'nothing'],
    ['8 a revision made by hand is undone', { stored: ['superseded', 'deployed'], record: { applied } }, 'upgrade'],
  ])('%s', (_row, given, expected) => {
    expect(step(given)).toBe(expected)
  })
})

describe('helm-operator §4.2, what follows an action', () => {
  it.each<[string, Given, string]>([
    [
      'failed install: removed',
      { stored: ['failed'], record: { failed: { ...failure, by: 'install', revision: 1, ...later } } },
      'remove remains',
    ],
    [
      'failed install, removed: back-off',
      { record: { failed: { ...failure, by: 'install', revision: 1, ...later } } },
      'wait: HelmFailed',
    ],
    [
      'failed install, removed, back-off over: install again',
      { record: { failed: { ...failure, by: 'install', revision: 1 } } },
      'install',
    ],
    [
      'failed upgrade without rollback: damped',
      { stored: ['deployed', 'failed'], record: { failed: { ...failure, ...later } } },
      'wait: HelmFailed',
    ],
    [
      'failed upgrade without rollback: tried again for ever',
      { stored: ['deployed', 'failed'], record: { failed: { ...failure, attempts: 99 } } },
      'upgrade',
    ],
    [
      'failed upgrade with rollback',
      { stored: ['superseded', 'failed'], record: { failed: failure }, spec: rollback() },
      'rollback to 1',
    ],
    [
      'upgrade failed before a revision was stored: no rollback',
      {
        stored: ['deployed'],
        record: { applied: other, failed: { ...failure, revision: 1, stored: false, ...later } },
        spec: rollback(),
      },
      'wait: HelmFailed',
    ],
    [
      'deployed, tests asked for',
      { stored: ['deployed'], record: { applied: { ...applied, testDue: true } }, spec: tests },
      'test',
    ],
    [
      'deployed, tests not asked for',
      { stored: ['deployed'], record: { applied: { ...applied, testDue: true } } },
      'nothing',
    ],
    [
      'tests that were switched on for what was deployed failed: it stays',
      {
        stored: ['superseded', 'deployed'],
        record: {
          applied: { ...applied, revision: 2, testDue: true },
          good: 2,
          failed: { ...failure, by: 'test', ...later },
        },
        spec: { ...rollback(), ...tests },
      },
      'wait: HelmFailed',
    ],
    [
      'failed tests that were switched off: it is what is wanted',
      {
        stored: ['superseded', 'deployed'],
        record: {
          applied: { ...applied, revision: 2, testDue: true },
          failed: { ...failure, by: 'test', ...later },
        },
      },
      'adopt',
    ],
    [
      'failed test of a first install: removed',
      {
        stored: ['deployed'],
        record: { applied, failed: { ...failure, by: 'test', revision: 1, ...later } },
        spec: tests,
      },
      'remove remains',
    ],
    [
      'failed test of an upgrade: rolled back',
      {
        stored: ['superseded', 'deployed'],
        record: { failed: { ...failure, by: 'test' } },
        spec: { ...tests, ...rollback() },
      },
      'rollback to 1',
    ],
    [
      'failed rollback: tried again after its back-off',
      {
        stored: ['superseded', 'failed', 'failed'],
        record: { failed: { ...failure, rolledBackTo: 3, rollbackFailed: 'no' } },
        spec: rollback(),
      },
      'rollback to 1',
    ],
    [
      'failed rollback, and the next one cut off before helm stored it',
      {
        stored: ['superseded', 'failed', 'failed'],
        record: { failed: { ...failure, rolledBackTo: 4 }, intent: intent('rollback', 4) },
        spec: rollback(),
      },
      'rollback to 1',
    ],
    [
      'failed upgrade, and somebody tried another one by hand',
      {
        stored: ['superseded', 'failed', 'failed'],
        record: { failed: failure },
        spec: rollback(),
      },
      'upgrade',
    ],
    [
      'failed rollback: not the bad inputs, whatever the budget',
      {
        stored: ['superseded', 'failed', 'failed'],
        record: { failed: { ...failure, rolledBackTo: 3, rollbackFailed: 'no', ...later } },
        spec: rollback({ retry: true }),
      },
      'wait: HelmFailed',
    ],
    [
      'failed rollback, and a new generation: tried at once',
      {
        stored: ['superseded', 'failed', 'failed'],
        record: { failed: { ...failure, generation: 0, rolledBackTo: 3, rollbackFailed: 'no', ...later } },
        spec: rollback(),
      },
      'upgrade',
    ],
    [
      'failed tests, and a rollback that helm did not begin: tried again after its back-off',
      {
        stored: ['superseded', 'deployed'],
        record: {
          applied: { ...applied, revision: 2, testDue: true },
          failed: { ...failure, by: 'test', rolledBackTo: 3, rollbackFailed: 'no' },
        },
        spec: { ...rollback(), ...tests },
      },
      'rollback to 1',
    ],
    [
      'a person asks: at once',
      { stored: ['deployed', 'failed'], record: { failed: { ...failure, ...later } }, policy: { isAskedFor: true } },
      'upgrade',
    ],
  ])('%s', (_row, given, expected) => {
    expect(step(given)).toBe(expected)
  })
})

describe('helm-operator [BUG] rows of the state machine', () => {
  it.each<[string, Given, string]>([
    [
      '§4.1-6b [BUG] maxHistory 0 upgraded and rolled back for ever',
      {
        stored: ['superseded', 'failed', 'deployed'],
        record: { failed: { ...failure, rolledBackTo: 3, rollbacks: 1 } },
        spec: { maxHistory: 0, ...rollback() },
      },
      'hold: HelmFailed',
    ],
    [
      '§4.2 [BUG] rolled back to latest - 1, which was the failed one',
      { stored: ['superseded', 'failed', 'failed'], record: { failed: { ...failure, revision: 3 } }, spec: rollback() },
      'rollback to 1',
    ],
    [
      '§4.2 [BUG] rolled back to one whose tests had failed',
      {
        stored: ['superseded', 'superseded', 'failed'],
        record: { good: 1, failed: { ...failure, revision: 3 } },
        spec: rollback(),
      },
      'rollback to 1',
    ],
    [
      '§4.2 [BUG-ish] failed tests without rollback were hidden by the next sync',
      {
        stored: ['superseded', 'deployed'],
        record: { applied: { ...applied, revision: 2 }, failed: { ...failure, by: 'test', ...later } },
        spec: tests,
      },
      'wait: HelmFailed',
    ],
    [
      '§4.2 [BUG] a failed test of a taken-over release uninstalled it',
      {
        stored: ['superseded', 'superseded', 'deployed'],
        record: { failed: { ...failure, by: 'test', revision: 3, ...later } },
        spec: tests,
      },
      'wait: HelmFailed',
    ],
    [
      '§4.2 a rollback hook that failed left pending-rollback for ever',
      {
        stored: ['superseded', 'failed', 'pending-rollback'],
        record: { failed: { ...failure, rolledBackTo: 3 }, intent: intent('rollback', 3) },
        spec: rollback(),
      },
      'unlock',
    ],
    [
      'complaint 3: a new revision every few minutes without a change',
      {
        stored: ['superseded', 'deployed'],
        record: { applied, upgrades: { inputs, generation: 1, count: 10, at: '2026-01-01T00:55:00Z' } },
      },
      'hold: UpgradeLoop',
    ],
  ])('%s', (_row, given, expected) => {
    expect(step(given)).toBe(expected)
  })
})
