import { describe, expect, it } from 'vitest'
import { countUpgrade, isLoop, type Upgrades } from './upgrade-loop.ts'

const now = Date.parse('2026-01-02T00:00:00Z')
const next = { inputs: 'c+v', generation: 1, now }
const before: Upgrades = { inputs: 'c+v', generation: 1, count: 3, at: '2026-01-01T12:00:00.000Z' }

describe('countUpgrade', () => {
  it.each<[string, Upgrades | undefined, number]>([
    ['begins with one', undefined, 1],
    ['goes on with the same inputs', before, 4],
    ['begins anew with other inputs', { ...before, inputs: 'd+v' }, 1],
    ['begins anew with a new generation', { ...before, generation: 0 }, 1],
    ['begins anew after a day', { ...before, at: '2025-12-31T23:00:00.000Z' }, 1],
  ])('%s', (_name, given, count) => {
    expect(countUpgrade(given, next)).toEqual({ inputs: 'c+v', generation: 1, count, at: '2026-01-02T00:00:00.000Z' })
  })
})

describe('isLoop', () => {
  it.each<[string, Upgrades | undefined, number, boolean]>([
    ['is none without upgrades', undefined, 1, false],
    ['is none below the limit', before, 4, false],
    ['is one at the limit', before, 3, true],
    ['is none for other inputs', { ...before, inputs: 'd+v' }, 3, false],
    ['is none for a new generation', { ...before, generation: 2 }, 3, false],
    ['is none when the last one is a day ago', { ...before, at: '2025-12-31T00:00:00.000Z' }, 3, false],
    ['never is one without a limit', { ...before, count: 1000 }, 0, false],
  ])('%s', (_name, given, limit, expected) => {
    expect(isLoop(given, next, limit)).toBe(expected)
  })
})
