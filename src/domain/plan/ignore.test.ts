import { describe, expect, it } from 'vitest'
import { gcMarkLabel } from '../manifest/annotations.ts'
import type { KubeObject, ManagedFields } from '../manifest/object.ts'
import { printPath } from './field-path.ts'
import { parsePointer } from './field-text.ts'
import { asLive, ignoredFields, letGo, withoutFields } from './ignore.ts'

const ref = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web' }

describe('the fields that rules leave alone', () => {
  it.each([
    ['of all objects', [{ pointers: ['/a', '/b/c'] }], ['.a', '.b.c']],
    [
      'of a kind',
      [
        { pointers: ['/a'], kind: 'Deployment' },
        { pointers: ['/b'], kind: 'Job' },
      ],
      ['.a'],
    ],
    [
      'of a name',
      [
        { pointers: ['/a'], name: 'web' },
        { pointers: ['/b'], name: 'db' },
      ],
      ['.a'],
    ],
    [
      'of a namespace',
      [
        { pointers: ['/a'], namespace: 'shop' },
        { pointers: ['/b'], namespace: '' },
      ],
      ['.a'],
    ],
    ['where all three must fit', [{ pointers: ['/a'], kind: 'Deployment', name: 'web', namespace: 'x' }], []],
  ])('%s', (_fact, rules, expected) => {
    expect(ignoredFields(rules, ref).map(printPath)).toEqual(expected)
  })

  it('are told when one cannot be read', () => {
    expect(() => ignoredFields([{ pointers: ['spec'] }], ref)).toThrow('"spec" is no JSON pointer')
  })
})

const mine = (fieldsV1: Record<string, unknown>): ManagedFields => ({
  manager: 'capstan',
  operation: 'Apply',
  fieldsV1,
})
const initial = (fieldsV1: Record<string, unknown>): ManagedFields => ({
  manager: 'capstan-initial',
  operation: 'Update',
  fieldsV1,
})
const args = { 'f:spec': { 'f:args': {} } }

function object(spec: Record<string, unknown>, managedFields?: ManagedFields[]): KubeObject {
  const metadata = {
    name: 'web',
    labels: { [gcMarkLabel]: 'm', app: 'a' },
    ...(managedFields ? { managedFields } : {}),
  }
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec }
}

describe('what is sent', () => {
  const git = object({ replicas: 1, args: ['a', 'b'] })
  const live = object({ replicas: 5, args: ['a', 'theirs'] }, [mine({ 'f:spec': { 'f:args': {}, 'f:replicas': {} } })])

  it.each<[fact: string, send: typeof asLive, pointer: string, spec: Record<string, unknown>]>([
    ['has no field that is left alone', withoutFields, '/spec/replicas', { args: ['a', 'b'] }],
    ['has its live value in a dry run', asLive, '/spec/replicas', { replicas: 5, args: ['a', 'b'] }],
    ['has a part of a whole as it is live', withoutFields, '/spec/args/1', { replicas: 1, args: ['a', 'theirs'] }],
    [
      'is all where the live object has no such field',
      withoutFields,
      '/spec/paused',
      { replicas: 1, args: ['a', 'b'] },
    ],
  ])('%s', (_fact, send, pointer, spec) => {
    expect(send(git, [parsePointer(pointer)], live)).toEqual(object(spec))
  })

  it('always has our mark', () => {
    const sent = withoutFields(git, [parsePointer('/metadata/labels')], live)
    expect(sent.metadata.labels).toEqual({ [gcMarkLabel]: 'm' })
  })
})

describe('letting go', () => {
  it.each<[fact: string, pointer: string, before: ManagedFields[], after: ManagedFields[] | undefined]>([
    [
      'gives a field to capstan-initial',
      '/spec/replicas',
      [mine({ 'f:spec': { 'f:replicas': {}, 'f:args': {} } }), { ...mine(args), manager: 'x' }],
      [mine(args), initial({ 'f:spec': { 'f:replicas': {} } }), { ...mine(args), manager: 'x' }],
    ],
    [
      'joins what was let go before',
      '/spec/replicas',
      [initial(args), mine({ 'f:spec': { 'f:replicas': {} } })],
      [initial({ 'f:spec': { 'f:args': {}, 'f:replicas': {} } })],
    ],
    [
      'keeps our mark',
      '/metadata/labels',
      [mine({ 'f:metadata': { 'f:labels': { [`f:${gcMarkLabel}`]: {} } } })],
      undefined,
    ],
    ['is nothing for what is not ours', '/spec/replicas', [mine(args)], undefined],
    ['is nothing for a part of a whole', '/spec/args/0', [mine(args)], undefined],
    ['is nothing where we own nothing', '/spec/replicas', [{ ...mine(args), manager: 'x' }], undefined],
  ])('%s', (_fact, pointer, before, after) => {
    const live = object({ replicas: 1, args: ['a', 'b'] }, before)
    expect(letGo(live, [parsePointer(pointer)])).toEqual(after)
  })
})
