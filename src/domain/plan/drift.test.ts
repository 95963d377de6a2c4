import { describe, expect, it } from 'vitest'
import type { KubeObject, ManagedFields } from '../manifest/object.ts'
import { driftOf } from './drift.ts'

const ours = {
  'f:spec': {
    'f:replicas': {},
    'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:name': {} } },
    'f:on': {},
  },
}
const desired = object({ replicas: 2, ports: [{ port: 80, name: 'http' }], on: false, empty: {}, none: null })

function object(spec: Record<string, unknown>, managedFields?: ManagedFields[]): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Thing',
    metadata: { name: 'a', ...(managedFields ? { managedFields } : {}) },
    spec,
  }
}

function entry(manager: string, fieldsV1: Record<string, unknown>, more: Partial<ManagedFields> = {}): ManagedFields {
  return { manager, operation: 'Update', time: '2020-01-01T00:00:00Z', fieldsV1, ...more }
}
const mine = (fieldsV1: Record<string, unknown>) => entry('capstan', fieldsV1, { operation: 'Apply' })
const live = { replicas: 2, ports: [{ port: 80, protocol: 'TCP', name: 'http' }], on: false }
const { 'f:replicas': _replicas, ...others } = ours['f:spec']

describe('drift', () => {
  it.each<[fact: string, found: KubeObject, expected: [manager: string, fields: string[]][]]>([
    ['none', object(live, [mine(ours)]), []],
    ['none where the server left a value out that is ours', object({ ...live, on: undefined }, [mine(ours)]), []],
    [
      'a value that another manager set',
      object({ ...live, replicas: 5 }, [mine({ 'f:spec': others }), entry('hpa', { 'f:spec': { 'f:replicas': {} } })]),
      [['hpa', ['.spec.replicas']]],
    ],
    [
      'a scaling',
      object({ ...live, replicas: 5 }, [
        mine({ 'f:spec': others }),
        entry('kubectl', { 'f:spec': { 'f:replicas': {} } }, { subresource: 'scale' }),
      ]),
      [['kubectl', ['.spec.replicas']]],
    ],
    [
      'none where the other manager agrees',
      object(live, [mine({ 'f:spec': others }), entry('hpa', { 'f:spec': { 'f:replicas': {} } })]),
      [],
    ],
    [
      'none in what git does not name, and in the status',
      object(live, [
        mine(ours),
        entry('x', { 'f:spec': { 'f:paused': {} } }),
        entry('y', { 'f:spec': { 'f:replicas': {} } }, { subresource: 'status' }),
      ]),
      [],
    ],
    [
      'what is gone',
      object({ ports: [], on: false }, [mine({ 'f:spec': { 'f:on': {} } }), entry('x', ours)]),
      [['', ['.spec.replicas', '.spec.ports[port=80]']]],
    ],
    [
      'what is gone in an item',
      object({ ...live, ports: [{ port: 80, protocol: 'TCP' }] }, [
        mine({
          'f:spec': { 'f:on': {}, 'f:replicas': {}, 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {} } } },
        }),
      ]),
      [['', ['.spec.ports[port=80].name']]],
    ],
  ])('%s', (_fact, found, expected) => {
    expect(driftOf(found, desired).map(({ manager, fields }) => [manager, fields])).toEqual(expected)
  })

  it('has the time and kind of the write', () => {
    const found = object({ ...live, replicas: 5 }, [entry('hpa', { 'f:spec': { 'f:replicas': {} } })])
    expect(driftOf(found, object({ replicas: 2 }))).toEqual([
      { manager: 'hpa', operation: 'Update', time: '2020-01-01T00:00:00Z', fields: ['.spec.replicas'] },
    ])
  })
})
