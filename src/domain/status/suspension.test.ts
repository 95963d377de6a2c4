import { describe, expect, it } from 'vitest'
import { readSuspension, suspensionMessage } from './suspension.ts'

describe('readSuspension', () => {
  it.each([
    ['nothing', undefined, undefined],
    ['an empty text', '', undefined],
    ['false', 'false', undefined],
    ['true', 'true', { by: '', why: '', since: '' }],
    ['who and why', '{"by":"ana","why":"audit"}', { by: 'ana', why: 'audit', since: '' }],
    ['anything else', 'until monday', { by: '', why: 'until monday', since: '' }],
  ])('%s', (_what, text, expected) => {
    expect(readSuspension(text)).toEqual(expected)
  })
})

describe('suspensionMessage', () => {
  it.each([
    ['nothing is known', { by: '', why: '', since: '' }, 'suspended by somebody'],
    [
      'all is known',
      { by: 'ana', why: 'audit', since: '2026-01-01T00:00:00Z' },
      'suspended by ana at 2026-01-01T00:00:00Z: audit',
    ],
  ])('where %s', (_what, suspension, expected) => {
    expect(suspensionMessage(suspension)).toBe(expected)
  })
})
