import { expect, it } from 'vitest'
import { createSteadyClock, isWithin } from './steady-clock.ts'

it('goes on from where it was when the clock is set back', () => {
  let now = 5_000_000
  const clock = createSteadyClock(() => now)
  expect(clock()).toBe(5_000_000)
  now += 100
  expect(clock()).toBe(5_000_100)
  now -= 3_600_000
  expect(clock()).toBe(5_000_100)
  now += 50
  expect(clock()).toBe(5_000_150)
  now += 7_200_000
  expect(clock()).toBe(12_200_150)
})

it.each([
  ['a moment ago', 999, 1000, true],
  ['now', 1000, 1000, true],
  ['too long ago', 900, 1000, false],
  ['ahead', 1001, 1000, false],
])('what was %s', (_what, at, now, expected) => {
  expect(isWithin(at, now, 100)).toBe(expected)
})
