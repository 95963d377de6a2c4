import { describe, expect, it } from 'vitest'
import { isReleaseReady, isSourceReady } from './is-ready.ts'

const object = (status: object, metadata: object = {}) => ({
  apiVersion: 'a',
  kind: 'b',
  metadata: { name: 'c', generation: 2, ...metadata },
  status,
})
const conditions = [{ type: 'Released', status: 'True' }]

describe('isReleaseReady', () => {
  it.each([
    ['released at this generation', object({ observedGeneration: 2, conditions }), true],
    ['released at an earlier one', object({ observedGeneration: 1, conditions }), false],
    ['never looked at', object({}), false],
    ['failed', object({ observedGeneration: 2, conditions: [{ type: 'Released', status: 'False' }] }), false],
    ['being deleted', object({ observedGeneration: 2, conditions }, { deletionTimestamp: 't' }), false],
  ])('%s', (_what, given, expected) => {
    expect(isReleaseReady(given)).toBe(expected)
  })
})

describe('isSourceReady', () => {
  it('asks for the condition Ready', () => {
    expect(isSourceReady(object({ observedGeneration: 2, conditions }))).toBe(false)
    expect(isSourceReady(object({ observedGeneration: 2, conditions: [{ type: 'Ready', status: 'True' }] }))).toBe(true)
  })
})
