import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exactJson, parseExactJson } from './exact-json.ts'

const safe = fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER })
const big = fc.oneof(fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n }), fc.bigInt({ min: -(2n ** 64n), max: -(2n ** 53n) }))
const { value: anyValue } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false, 0.5, 1e300),
    safe,
    big,
    fc.string({ unit: 'binary' }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.string(), fc.constant('__proto__')), tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}))

describe('JSON with exact integers', () => {
  it.each([
    ['without big integers', { a: 1, b: ['x', null] }, '{"a":1,"b":["x",null]}'],
    ['with big integers', { a: 9007199254740993n, b: [-1n], c: '1' }, '{"a":9007199254740993,"b":[-1],"c":"1"}'],
  ])('is written %s', (_fact, value, expected) => {
    expect(exactJson(value)).toBe(expected)
  })

  it.each([
    ['a small integer stays a number', '1', 1],
    ['the largest exact double stays a number', '9007199254740991', 9007199254740991],
    ['one that a double cannot hold is a bigint', '[9007199254740993]', [9007199254740993n]],
    ['below zero too', '{"a":-18446744073709551615}', { a: -18446744073709551615n }],
    ['a text of digits stays text', '"9007199254740993"', '9007199254740993'],
    ['a fraction stays a number', '0.12345678901234567890', 0.12345678901234568],
    ['an exponent stays a number', '[1e30, 9007199254740993]', [1e30, 9007199254740993n]],
  ])('is read: %s', (_fact, text, expected) => {
    expect(parseExactJson(text)).toEqual(expected)
  })

  it('loses nothing on the way there and back', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const text = exactJson(value)
        expect(exactJson(parseExactJson(text))).toBe(text)
      }),
    )
  })

  it('gives integers back as they were', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(safe, big)), (integers) => {
        const kept = integers.filter((one) => !Object.is(one, -0))
        expect(parseExactJson(exactJson(kept))).toEqual(kept)
      }),
    )
  })

  it('refuses what is no JSON, and cycles', () => {
    const cycle: unknown[] = []
    cycle.push(cycle)
    expect(() => parseExactJson('{')).toThrow(SyntaxError)
    expect(() => exactJson(cycle)).toThrow(TypeError)
  })
})
