import { describe, expect, it } from 'vitest'
import { readOwnFields } from './own-fields.ts'

const nothing = {
  suspended: undefined,
  dependsOn: [],
  createNamespace: false,
  serviceAccount: '',
  rollbackRequest: undefined,
}
const unnamed = { by: '', why: '', since: '' }
const release = (namespace: string, name: string) => ({ kind: 'HelmRelease', namespace, name })
const source = (namespace: string, name: string) => ({ kind: 'Source', namespace, name })

describe('readOwnFields', () => {
  it.each<[string, Record<string, unknown>, Record<string, string>, object]>([
    ['has nothing where nothing is said', {}, {}, {}],
    [
      'takes a suspension with who and why',
      { suspend: { by: 'ana', why: 'audit' } },
      {},
      { suspended: { by: 'ana', why: 'audit', since: '' } },
    ],
    ['takes an empty suspension for one', { suspend: {} }, {}, { suspended: unnamed }],
    ['takes true for a suspension', { suspend: true }, {}, { suspended: unnamed }],
    ['takes null and false for none', { suspend: null }, { 'capstan.dev/suspend': 'false' }, {}],
    ['takes a suspension from the annotation', {}, { 'capstan.dev/suspend': 'true' }, { suspended: unnamed }],
    [
      'takes dependencies of both kinds, of its own namespace where none is named',
      { dependsOn: [{ name: 'db' }, { namespace: 'b', name: 'x' }, { kind: 'Source', name: 'base' }, {}, 'odd'] },
      {},
      { dependsOn: [release('a', 'db'), release('b', 'x'), source('a', 'base')] },
    ],
    [
      'takes dependencies from the annotation',
      {},
      { 'capstan.dev/dependsOn': 'db, b/x,source:flux/base, :::, ' },
      { dependsOn: [release('a', 'db'), release('b', 'x'), source('flux', 'base')] },
    ],
    ['takes the field before the annotation', { dependsOn: [] }, { 'capstan.dev/dependsOn': 'db' }, {}],
    ['takes createNamespace', { createNamespace: true }, {}, { createNamespace: true }],
    [
      'takes createNamespace from the annotation',
      {},
      { 'capstan.dev/createNamespace': 'true' },
      { createNamespace: true },
    ],
    ['lets the field say no', { createNamespace: false }, { 'capstan.dev/createNamespace': 'true' }, {}],
    ['takes the account', { serviceAccountName: 'bot' }, {}, { serviceAccount: 'bot' }],
    [
      'takes the account from the annotation',
      {},
      { 'capstan.dev/serviceAccountName': 'bot' },
      { serviceAccount: 'bot' },
    ],
  ])('%s', (_what, spec, annotations, expected) => {
    expect(readOwnFields(spec, { namespace: 'a', annotations })).toEqual({ ...nothing, ...expected })
  })
})
