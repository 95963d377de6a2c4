import { describe, expect, it } from 'vitest'
import type { FieldPath } from './field-path.ts'
import { parseFieldText, parsePointer } from './field-text.ts'

describe('a JSON pointer', () => {
  it.each<[fact: string, pointer: string, path: FieldPath]>([
    ['keys', '/spec/replicas', [{ key: 'spec' }, { key: 'replicas' }]],
    ['escapes', '/metadata/labels/a~1b~0c', [{ key: 'metadata' }, { key: 'labels' }, { key: 'a/b~c' }]],
    ['~01 is no slash', '/a~01', [{ key: 'a~1' }]],
    ['a place', '/a/10', [{ key: 'a' }, { index: 10 }]],
    ['no place, with a zero before it', '/a/01', [{ key: 'a' }, { key: '01' }]],
    ['an item by a key', '/a/[name=x]', [{ key: 'a' }, { keys: { name: 'x' } }]],
    ['an item by keys', '/a/[port=80,protocol=TCP]', [{ key: 'a' }, { keys: { port: '80', protocol: 'TCP' } }]],
    ['an empty key', '/a/', [{ key: 'a' }, { key: '' }]],
  ])('%s', (_fact, pointer, path) => {
    expect(parsePointer(pointer)).toEqual(path)
  })

  it.each(['', 'spec', '.spec.replicas', '/a~2', '/a~'])('is not: %j', (text) => {
    expect(() => parsePointer(text)).toThrow('no JSON pointer')
  })
})

describe('the server’s text of a field', () => {
  it.each<[fact: string, text: string, path: FieldPath | undefined]>([
    ['keys without an object', '.a.b', [{ key: 'a' }, { key: 'b' }]],
    ['kinds of keys', '.a[x="1",y=1,z=true]', [{ key: 'a' }, { keys: { x: '1', y: 1, z: true } }]],
    ['a bracket in a key', String.raw`.a[name="x]\"y"].b`, [{ key: 'a' }, { keys: { name: 'x]"y' } }, { key: 'b' }]],
    ['a number in a set', '.a[=1]', [{ key: 'a' }, { value: 1 }]],
    ['a place', '.a[7].b', [{ key: 'a' }, { index: 7 }, { key: 'b' }]],
    ['nothing', '', []],
    ['something else', '?', undefined],
    ['an open bracket', '.a[', undefined],
  ])('%s', (_fact, text, path) => {
    expect(parseFieldText(text, undefined)).toEqual(path)
  })
})
