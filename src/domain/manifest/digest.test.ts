import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { digestOf } from './digest.ts'

describe('the digest of a manifest', () => {
  it('is 40 hex digits and does not depend on the order of keys', () => {
    expect(digestOf({ a: 1, b: { c: [1, 2], d: null } })).toBe(digestOf({ b: { d: null, c: [1, 2] }, a: 1 }))
    expect(digestOf({})).toMatch(/^[0-9a-f]{40}$/)
  })

  it.each([
    [{ a: [1, 2] }, { a: [2, 1] }],
    [{ a: '1' }, { a: 1 }],
    [{ a: null }, {}],
    [{ a: 9007199254740993n }, { a: 9007199254740994n }],
    [{ 'a":1,"b': 2 }, { a: 1, b: 2 }],
  ])('tells %o from %o', (one, other) => {
    expect(digestOf(one)).not.toBe(digestOf(other))
  })

  it('is that of what JSON would carry', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => digestOf(value) === digestOf(JSON.parse(JSON.stringify(value)))))
  })
})
