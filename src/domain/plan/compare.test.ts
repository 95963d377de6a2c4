import { describe, expect, it } from 'vitest'
import { type CompareFacts, compare, type Verdict } from './compare.ts'
import type { InventoryEntry } from './inventory.ts'
import type { LiveObject } from './live.ts'

const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'demo', name: 'a' }
const live: LiveObject = {
  ref,
  uid: 'u',
  resourceVersion: '1',
  checksum: 'd1',
  owned: 'o1',
  mark: 'm',
  ignore: '',
  hasOwner: false,
  deleting: false,
  pruneAllowed: false,
}
const entry: InventoryEntry = { ref, file: 'a.yaml', applied: 'd1', owned: 'o1', tried: '', triedAt: '' }
const same: CompareFacts = { digest: 'd1', ignoredInGit: false, live, mark: 'm', entry, drift: 'correct', left: '' }

const rows: [string, Partial<CompareFacts>, Verdict][] = [
  ['nothing differs', {}, { act: 'nothing' }],
  ['absent in the cluster', { live: undefined, entry: undefined }, { act: 'apply', why: 'absent' }],
  ['changed in git', { digest: 'd2' }, { act: 'apply', why: 'changed' }],
  ['checksum changed by somebody', { live: { ...live, checksum: 'd0' } }, { act: 'apply', why: 'drifted' }],
  ['a field of ours was taken', { live: { ...live, owned: 'o2' } }, { act: 'apply', why: 'drifted' }],
  ['its mark was changed', { live: { ...live, mark: 'other' } }, { act: 'apply', why: 'drifted' }],
  ['a rule leaves something of it alone now', { left: 'l1' }, { act: 'apply', why: 'unknown' }],
  ['no rule leaves it alone any more', { entry: { ...entry, left: 'l1' } }, { act: 'apply', why: 'unknown' }],
  ['the same rules', { entry: { ...entry, left: 'l1' }, left: 'l1' }, { act: 'nothing' }],
  ['never recorded', { entry: undefined }, { act: 'apply', why: 'unknown' }],
  [
    'recorded before its first success',
    { entry: { ...entry, applied: '', owned: '' } },
    { act: 'apply', why: 'unknown' },
  ],
  ['ignored in git', { ignoredInGit: true, live: undefined }, { act: 'skip', why: 'ignored in git' }],
  [
    'ignored in the cluster',
    { digest: 'd2', live: { ...live, ignore: 'true' } },
    { act: 'skip', why: 'ignored in the cluster' },
  ],
  [
    'sync_only still applies',
    { digest: 'd2', live: { ...live, ignore: 'sync_only' } },
    { act: 'apply', why: 'changed' },
  ],
  ['deleted by somebody', { live: undefined }, { act: 'apply', why: 'absent' }],
  ['deleted by somebody, drift is told', { live: undefined, drift: 'warn' }, { act: 'report', why: 'deleted' }],
  ['deleted by somebody, drift is not looked at', { live: undefined, drift: 'off' }, { act: 'nothing' }],
  [
    'a field of ours was taken, drift is told',
    { live: { ...live, owned: 'o2' }, drift: 'warn' },
    { act: 'report', why: 'drifted' },
  ],
  [
    'a field of ours was taken, drift is not looked at',
    { live: { ...live, owned: 'o2' }, drift: 'off' },
    { act: 'nothing' },
  ],
  [
    'changed in git, drift is not looked at',
    { digest: 'd2', live: { ...live, owned: 'o2' }, drift: 'off' },
    { act: 'apply', why: 'changed' },
  ],
  [
    'new in git, drift is not looked at',
    { live: undefined, entry: undefined, drift: 'off' },
    { act: 'apply', why: 'absent' },
  ],
  ['being deleted', { digest: 'd2', live: { ...live, deleting: true } }, { act: 'skip', why: 'being deleted' }],
]

describe('compare', () => {
  it.each(rows)('%s', (_, change, verdict) => {
    expect(compare({ ...same, ...change })).toEqual(verdict)
  })
})
