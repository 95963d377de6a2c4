import { expect, it } from 'vitest'
import { spliced } from './splice.ts'

it.each([
  ['nothing', [], 'abcdef'],
  ['a stretch', [{ start: 1, end: 3, source: 'X' }], 'aXdef'],
  ['a place', [{ start: 3, end: 3, source: 'X' }], 'abcXdef'],
  [
    'several, in any order',
    [
      { start: 6, end: 6, source: 'Z' },
      { start: 0, end: 1, source: '' },
      { start: 2, end: 4, source: 'YY' },
    ],
    'bYYefZ',
  ],
])('puts %s into a text', (_, splices, result) => {
  expect(spliced('abcdef', splices)).toBe(result)
})
