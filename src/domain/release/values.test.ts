import { describe, expect, it } from 'vitest'
import { mergeValues, parseValues, textsIn, valuesDigest } from './values.ts'

describe('parseValues', () => {
  it.each([
    ['a map', 'a: 1\nb: {c: yes}\n', { a: 1, b: { c: true } }],
    ['nothing', '', {}],
    ['a comment', '# none\n', {}],
    ['a repeated key: the last one counts, as in helm', 'a: 1\na: 2\n', { a: 2 }],
    ['octal as Go reads it', 'mode: 0644\n', { mode: 420 }],
    ['the first of several documents', 'a: 1\n---\na: 2\n', { a: 1 }],
    ['a list', '- a\n', undefined],
    ['a text', 'hello', undefined],
    ['no YAML', 'a: [', undefined],
    ['half of it YAML', 'a: 1\nb: "x', undefined],
    [
      'an alias bomb',
      'a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\n',
      undefined,
    ],
  ])('reads %s', (_name, text, expected) => {
    expect(parseValues(text)).toEqual(expected)
  })
})

describe('mergeValues', () => {
  it.each([
    ['later wins', [{ a: 1 }, { a: 2 }], { a: 2 }],
    ['maps are merged', [{ a: { b: 1, c: 1 } }, { a: { c: 2 } }], { a: { b: 1, c: 2 } }],
    ['lists are replaced', [{ a: [1, 2] }, { a: [3] }], { a: [3] }],
    ['a null stays', [{ a: { b: 1 } }, { a: null }], { a: null }],
    ['a map replaces a scalar', [{ a: 1 }, { a: { b: 2 } }], { a: { b: 2 } }],
    [
      'a key named __proto__ is only a key',
      [JSON.parse('{"__proto__": {"a": 1}}') as object],
      JSON.parse('{"__proto__": {"a": 1}}'),
    ],
  ])('%s', (_name, layers, expected) => {
    expect(mergeValues(layers as Record<string, unknown>[])).toEqual(expected)
  })

  it('changes none of its layers', () => {
    const layers = [{ a: { b: 1 } }, { a: { c: 2 } }]
    mergeValues(layers)
    expect(layers).toEqual([{ a: { b: 1 } }, { a: { c: 2 } }])
  })
})

describe('valuesDigest', () => {
  it('does not depend on the order of keys and does on the salt', () => {
    const digest = valuesDigest({ a: 1, b: { c: 2, d: 3 } }, 'uid')
    expect(valuesDigest({ b: { d: 3, c: 2 }, a: 1 }, 'uid')).toBe(digest)
    expect(valuesDigest({ a: 1, b: { c: 2, d: 3 } }, 'other')).not.toBe(digest)
  })
})

it('finds every text that may be a secret: numbers too, and the lines of longer texts', () => {
  const values = { a: 'one', b: [{ c: 'two' }], d: 12345678, e: true, f: 'first long line\nshort\n' }
  expect(textsIn(values)).toEqual(['one', 'two', '12345678', 'first long line\nshort\n', 'first long line'])
})
