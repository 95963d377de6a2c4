import { describe, expect, it } from 'vitest'
import { inputsOf, type ReleaseRecord } from './record.ts'
import {
  lastGoodRevision,
  mustCompareStored,
  type ReleaseFacts,
  type ReleaseState,
  releaseState,
  type StoredRevision,
} from './state.ts'

const minute = 60_000
const now = 100 * minute
const wanted = { chart: 'c2', values: 'v2' }
const owner = { uid: 'me', namespace: 'a', name: 'web' }
const applied = { ...wanted, chartRevision: '2.0.0', revision: 2 }
const old = { ...applied, chart: 'c1', revision: 1 }
const intent = { verb: 'upgrade' as const, revision: 2, epoch: 'e', at: '', inputs: inputsOf(wanted) }
const readyDue = { by: 'upgrade' as const, since: '', until: '' }
const failed = {
  inputs: inputsOf(wanted),
  by: 'upgrade' as const,
  generation: 1,
  attempts: 1,
  revision: 2,
  stored: true,
  rollbacks: 0,
  reason: 'HelmFailed' as const,
  message: 'no',
  at: '',
  retryAt: '',
}

function revisions(...states: StoredRevision['state'][]): StoredRevision[] {
  return states.map((state, index) => ({ revision: index + 1, state, changedAt: now - minute }))
}

function record(parts: Partial<ReleaseRecord>): ReleaseRecord {
  return { version: 1, owner, since: '', ...parts }
}

function facts(given: Partial<ReleaseFacts>): ReleaseFacts {
  const base = { now, uid: 'me', revisions: [], record: undefined, intentIsDead: true, wasRolledBack: false, wanted }
  return { ...base, ...given }
}

describe('releaseState', () => {
  it.each<[string, Partial<ReleaseFacts>, ReleaseState]>([
    ['no release in storage', {}, 'absent'],
    ['no release, and these inputs failed before', { record: record({ failed }) }, 'failed inputs'],
    ['deployed as wanted', { revisions: revisions('superseded', 'deployed'), record: record({ applied }) }, 'in sync'],
    [
      'deployed as wanted, tests due',
      { revisions: revisions('superseded', 'deployed'), record: record({ applied: { ...applied, testDue: true } }) },
      'untested',
    ],
    [
      'deployed as wanted, not ready yet',
      {
        revisions: revisions('superseded', 'deployed'),
        record: record({ applied: { ...applied, readyDue, testDue: true } }),
      },
      'unready',
    ],
    [
      'marked failed because it did not become ready, which nobody lived to note',
      { revisions: revisions('superseded', 'failed'), record: record({ applied: { ...applied, readyDue } }) },
      'unready',
    ],
    [
      'not ready yet, and other inputs are wanted now',
      { revisions: revisions('deployed'), record: record({ applied: { ...old, readyDue } }) },
      'out of sync',
    ],
    [
      'not ready yet, and changed by hand since',
      {
        revisions: revisions('superseded', 'superseded', 'deployed'),
        record: record({ applied: { ...applied, readyDue } }),
      },
      'changed by hand',
    ],
    [
      'deployed by us with other inputs',
      { revisions: revisions('deployed'), record: record({ applied: old }) },
      'out of sync',
    ],
    [
      'a newer revision than ours',
      { revisions: revisions('superseded', 'superseded', 'deployed'), record: record({ applied }) },
      'changed by hand',
    ],
    [
      'ours, still there',
      {
        revisions: [{ revision: 2, state: 'deployed', changedAt: 0, uid: 'one' }],
        record: record({ applied: { ...applied, uid: 'one' } }),
      },
      'in sync',
    ],
    [
      'another one under the number of ours',
      {
        revisions: [{ revision: 2, state: 'deployed', changedAt: 0, uid: 'two' }],
        record: record({ applied: { ...applied, uid: 'one' } }),
      },
      'changed by hand',
    ],
    [
      'a newer revision than ours with just what is wanted',
      {
        revisions: revisions('superseded', 'superseded', 'deployed'),
        record: record({ applied }),
        storedIsWanted: true,
      },
      'adoptable',
    ],
    ['first contact with what is wanted', { revisions: revisions('deployed'), storedIsWanted: true }, 'adoptable'],
    [
      'first contact with something else',
      { revisions: revisions('deployed'), storedIsWanted: false },
      'foreign inputs',
    ],
    [
      'the HelmRelease was made anew: the salted digests say nothing',
      { revisions: revisions('superseded', 'deployed'), record: record({ applied }), uid: 'new', storedIsWanted: true },
      'adoptable',
    ],
    ['first contact with a failed one', { revisions: revisions('failed') }, 'foreign trouble'],
    ['first contact with a pending one', { revisions: revisions('pending-install') }, 'foreign trouble'],
    ['removed by hand, never ours', { revisions: revisions('uninstalled') }, 'foreign trouble'],
    [
      'the Operator rolled this spec back',
      { revisions: revisions('superseded', 'failed', 'deployed'), wasRolledBack: true, storedIsWanted: false },
      'foreign trouble',
    ],
    [
      'held at first contact, and the inputs changed',
      { revisions: revisions('failed'), record: record({ held: { inputs: 'others' } }) },
      'failed',
    ],
    ['unknown to helm itself', { revisions: revisions('unknown'), record: record({ applied: old }) }, 'interrupted'],
    ['failed at first contact, and somebody let it go', { revisions: revisions('failed'), mayAdopt: true }, 'failed'],
    [
      'pending at first contact for long, and somebody let it go',
      { revisions: [{ revision: 1, state: 'pending-upgrade', changedAt: now - 16 * minute }], mayAdopt: true },
      'interrupted',
    ],
    [
      'pending at first contact for a short time, and somebody let it go',
      { revisions: revisions('pending-upgrade'), mayAdopt: true },
      'busy',
    ],
    [
      'rolled back by the Operator, and somebody let it go',
      { revisions: revisions('superseded', 'deployed'), wasRolledBack: true, mayAdopt: true },
      'foreign inputs',
    ],
    [
      'held at first contact, and the HelmRelease was made anew: the salted digests say nothing',
      { revisions: revisions('failed'), record: record({ held: { inputs: 'of the other' } }), uid: 'new' },
      'foreign trouble',
    ],
    [
      'held at first contact, same inputs',
      { revisions: revisions('failed'), record: record({ held: { inputs: inputsOf(wanted) } }) },
      'foreign trouble',
    ],
    ['removed by hand, ours', { revisions: revisions('uninstalled'), record: record({ applied: old }) }, 'removed'],
    [
      'our upgrade failed',
      { revisions: revisions('deployed', 'failed'), record: record({ applied: old, failed }) },
      'failed inputs',
    ],
    [
      'our upgrade failed, and the inputs changed since',
      { revisions: revisions('deployed', 'failed'), record: record({ failed: { ...failed, inputs: 'others' } }) },
      'failed',
    ],
    [
      'rolled back after these inputs failed',
      {
        revisions: revisions('superseded', 'failed', 'deployed'),
        record: record({ failed: { ...failed, rolledBackTo: 3 } }),
      },
      'failed inputs',
    ],
    [
      'these inputs failed, and somebody upgraded by hand since',
      { revisions: revisions('superseded', 'failed', 'deployed'), record: record({ applied: old, failed }) },
      'changed by hand',
    ],
    [
      'pending, its process is dead',
      { revisions: revisions('deployed', 'pending-upgrade'), record: record({ intent }) },
      'interrupted',
    ],
    [
      'pending, its process lives',
      { revisions: revisions('deployed', 'pending-upgrade'), record: record({ intent }), intentIsDead: false },
      'busy',
    ],
    [
      'another process has begun and helm stored nothing yet',
      { revisions: revisions('deployed'), record: record({ applied: old, intent }), intentIsDead: false },
      'busy',
    ],
    [
      'somebody upgrades our release by hand right now',
      { revisions: revisions('superseded', 'pending-upgrade'), record: record({ applied: old }) },
      'busy',
    ],
    [
      'somebody’s pending revision is 15 minutes old',
      {
        revisions: [{ revision: 2, state: 'pending-upgrade', changedAt: now - 15 * minute }],
        record: record({ applied: old }),
      },
      'interrupted',
    ],
    [
      'helm ended well and nobody lived to note it',
      { revisions: revisions('superseded', 'deployed'), record: record({ applied: old, intent }) },
      'adoptable',
    ],
    [
      'the same, with inputs that changed since',
      { revisions: revisions('superseded', 'deployed'), record: record({ intent: { ...intent, inputs: 'x' } }) },
      'out of sync',
    ],
    [
      'another HelmRelease has it',
      { revisions: revisions('deployed'), otherOwner: 'a:helmrelease/b' },
      'foreign owner',
    ],
  ])('%s', (_name, given, state) => {
    expect(releaseState(facts(given))).toBe(state)
  })

  it.each<[string, Partial<ReleaseFacts>, ReleaseState]>([
    ['nothing stored', {}, 'inputs needed'],
    ['deployed', { revisions: revisions('deployed') }, 'inputs needed'],
    ['interrupted', { revisions: revisions('pending-upgrade'), record: record({ intent }) }, 'interrupted'],
    ['of another', { otherOwner: 'x' }, 'foreign owner'],
  ])('asks for chart and values only where they matter: %s', (_name, given, state) => {
    const { wanted: _without, ...rest } = facts(given)
    expect(releaseState(rest)).toBe(state)
  })
})

describe('mustCompareStored', () => {
  it.each<[string, Partial<ReleaseFacts>, boolean]>([
    ['our own newest revision', { revisions: revisions('superseded', 'deployed'), record: record({ applied }) }, false],
    ['somebody’s newest revision', { revisions: revisions('deployed'), record: record({ applied }) }, true],
    ['first contact', { revisions: revisions('deployed') }, true],
    ['a failed one', { revisions: revisions('failed') }, false],
    [
      'our own that was not noted',
      { revisions: revisions('superseded', 'deployed'), record: record({ intent }) },
      false,
    ],
  ])('%s', (_name, given, expected) => {
    expect(mustCompareStored(facts(given))).toBe(expected)
  })
})

describe('lastGoodRevision', () => {
  it.each<[string, StoredRevision['state'][], number | undefined]>([
    ['the deployed one', ['superseded', 'deployed', 'failed'], 2],
    ['not simply the one before', ['superseded', 'failed', 'failed'], 1],
    ['none', ['failed', 'failed', 'failed'], undefined],
  ])('%s', (_name, states, expected) => {
    expect(lastGoodRevision(revisions(...states), 3)).toBe(expected)
  })
})
