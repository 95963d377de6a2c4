import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../manifest/object.ts'
import { copyFields, type FieldPath, printPath, removeFields, valueAt } from './field-path.ts'
import { parseFieldText, parsePointer } from './field-text.ts'

const object: KubeObject = {
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: { name: 'a', namespace: 'b', labels: { 'app.kubernetes.io/name': 'x', app: 'y' } },
  spec: {
    replicas: 2,
    ports: [{ port: 53, protocol: 'UDP' }, { port: 53 }, { port: 80, name: 'http' }],
    tags: ['a', 'b', 'c'],
    rules: [{ name: 'r' }, { name: 'r', side: 'left' }],
    '0': 'zero',
  },
}

describe('a field of an object', () => {
  it.each<[fact: string, text: string, expected: unknown]>([
    ['a key', '.spec.replicas', 2],
    ['a key with dots', '.metadata.labels.app.kubernetes.io/name', 'x'],
    ['a key that another begins with', '.metadata.labels.app', 'y'],
    ['an item by keys', '.spec.ports[port=53,protocol="UDP"]', { port: 53, protocol: 'UDP' }],
    ['an item that leaves a key to its default', '.spec.ports[port=53,protocol="TCP"]', { port: 53 }],
    ['a field of an item', '.spec.ports[port=80,protocol="TCP"].name', 'http'],
    ['an item with the exact key before one without', '.spec.rules[name="r",side="left"].side', 'left'],
    ['a member of a set', '.spec.tags[="b"]', 'b'],
    ['a place', '.spec.tags[2]', 'c'],
    ['a place behind the end', '.spec.tags[3]', undefined],
    ['no such key', '.spec.nothing.below', undefined],
    ['no such item', '.spec.ports[port=81,protocol="TCP"]', undefined],
    ['an item by keys that it has none of', '.spec.ports[x="1"]', undefined],
    ['a step into a scalar', '.spec.replicas.x', undefined],
    ['what every object inherits', '.spec.constructor', undefined],
  ])('%s', (_fact, text, expected) => {
    const path = parseFieldText(text, object)
    expect(valueAt(object, path ?? [])).toEqual(expected)
    expect(printPath(path ?? [])).toBe(text)
  })
})

describe('removing fields', () => {
  it.each<[fact: string, pointers: string[], spec: Record<string, unknown>]>([
    ['nothing', [], {}],
    ['a key, and one that is not there', ['/spec/replicas', '/spec/no/such'], { replicas: undefined }],
    ['items, whose places do not shift meanwhile', ['/spec/tags/0', '/spec/tags/1'], { tags: ['c'] }],
    [
      'an item and a field of it',
      ['/spec/ports/2', '/spec/ports/2/name'],
      { ports: [{ port: 53, protocol: 'UDP' }, { port: 53 }] },
    ],
    ['the last of a list, which stays', ['/spec/tags/0', '/spec/tags/1', '/spec/tags/2'], { tags: [] }],
    ['a key that looks like a place', ['/spec/0'], { '0': undefined }],
    ['never who it is', ['/metadata/name', '/metadata/namespace', '/kind', '/apiVersion', '/metadata'], {}],
  ])('%s', (_fact, pointers, spec) => {
    const before = structuredClone(object)
    const expected = { ...object, spec: { ...(object.spec as object), ...spec } }
    expect(removeFields(object, pointers.map(parsePointer))).toEqual(expected)
    expect(object).toEqual(before)
  })
})

describe('copying fields', () => {
  const from: KubeObject = {
    apiVersion: 'v1',
    kind: 'Thing',
    metadata: { name: 'a', annotations: { x: '1' } },
    spec: { replicas: 5, ports: [{ port: 53, name: 'dns' }], tags: ['z'] },
  }
  it.each<[fact: string, text: string, expected: unknown]>([
    ['a value', '.spec.replicas', 5],
    ['a value whose parents are not there', '.metadata.annotations.x', '1'],
    ['a field of an item that is there', '.spec.ports[port=53,protocol="TCP"].name', 'dns'],
    ['absence', '.metadata.labels', undefined],
  ])('%s', (_fact, text, expected) => {
    const path = parseFieldText(text, from) ?? []
    expect(valueAt(copyFields(object, from, [path]), path)).toEqual(expected)
  })

  it('makes the list and the item that lead there', () => {
    const path: FieldPath = [{ key: 'spec' }, { key: 'ports' }, { keys: { port: 53 } }, { key: 'name' }]
    const bare = { apiVersion: 'v1', kind: 'Thing', metadata: { name: 'a' } }
    expect(copyFields(bare, from, [path])).toEqual({ ...bare, spec: { ports: [{ port: 53, name: 'dns' }] } })
  })
})
