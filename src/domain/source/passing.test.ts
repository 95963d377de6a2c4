import { expect, it } from 'vitest'
import { isPassing } from './passing.ts'

it.each([
  { name: 'an API server that is away', reason: 'ClusterUnavailable' as const, expected: true },
  { name: 'a missing right', reason: 'Forbidden' as const, expected: false },
  { name: 'a signature that is not good', reason: 'SignatureInvalid' as const, expected: false },
])('$name says nothing of the source: $expected', ({ reason, expected }) => {
  expect(isPassing(reason)).toBe(expected)
})
