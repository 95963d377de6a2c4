import { describe, expect, it } from 'vitest'
import type { FieldPath } from './field-path.ts'
import { leftMark, wasScaled } from './left-alone.ts'

const a: FieldPath = [{ key: 'data' }, { key: 'a' }]
const b: FieldPath = [{ key: 'data' }, { key: 'b' }]

describe('what is left alone of an object', () => {
  it('is nothing where no field is', () => {
    expect(leftMark({ ignored: [], scaled: [] })).toBe('')
  })

  it('is the same in whatever order the rules stand', () => {
    expect(leftMark({ ignored: [a, b], scaled: [] })).toBe(leftMark({ ignored: [b, a], scaled: [] }))
  })

  it.each([
    { name: 'another field', one: { ignored: [a], scaled: [] }, other: { ignored: [b], scaled: [] } },
    { name: 'one field more', one: { ignored: [a], scaled: [] }, other: { ignored: [a, b], scaled: [] } },
    {
      name: 'an autoscaler in place of a rule',
      one: { ignored: [a], scaled: [] },
      other: { ignored: [], scaled: [a] },
    },
  ])('is something else with $name', ({ one, other }) => {
    expect(leftMark(one)).not.toBe(leftMark(other))
  })

  it('tells whether an autoscaler had a say', () => {
    expect([
      wasScaled({ left: leftMark({ ignored: [a], scaled: [b] }) }),
      wasScaled({ left: leftMark({ ignored: [a], scaled: [] }) }),
      wasScaled({}),
    ]).toEqual([true, false, false])
  })
})
