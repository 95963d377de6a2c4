import { expect, it } from 'vitest'
import { isOlderVersion } from './resource-version.ts'

it.each([
  ['9', '10', true],
  ['10', '9', false],
  ['10', '10', false],
  ['100', '101', true],
  ['5', '', false],
])('%s is older than %s: %s', (a, b, is) => {
  expect(isOlderVersion(a, b)).toBe(is)
})
