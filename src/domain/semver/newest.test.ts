import { expect, it } from 'vitest'
import { newestIn } from './newest.ts'

it.each([
  ['the highest inside the range', '1.x', ['1.2.0', '1.10.0', '2.0.0'], ['1.10.0']],
  ['all that mean it, in their order', '1.x', ['v1.10', '1.2.0', '1.10.0', '1.10'], ['v1.10', '1.10.0', '1.10']],
  ['a higher one makes those before it old', '*', ['1.0', '1.0.0', '1.0.1'], ['1.0.1']],
  ['what is no version does not count', '*', ['latest', '1.0.0', 'main'], ['1.0.0']],
  ['no pre-release where the range names none', '>=1.0.0', ['1.0.0', '1.1.0-rc.1'], ['1.0.0']],
  ['a pre-release where the range names one', '>=1.0.0-0', ['1.0.0', '1.1.0-rc.1'], ['1.1.0-rc.1']],
  ['nothing is in the range', '3.x', ['1.0.0'], []],
  ['the range is none', 'newest', ['1.0.0'], []],
  ['nothing is there', '*', [], []],
])('%s', (_, range, texts, newest) => {
  expect(newestIn(range, texts)).toEqual(newest)
})
