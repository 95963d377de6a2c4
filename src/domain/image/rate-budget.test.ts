import { describe, expect, it } from 'vitest'
import { readBudget, toSaidBudget } from './rate-budget.ts'

const now = Date.UTC(2026, 0, 1)
const at = '2026-01-01T00:00:00.000Z'

describe('what the headers of an answer say', () => {
  it.each([
    [
      'Docker Hub',
      { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '76;w=21600' },
      { limit: 100, remaining: 76, windowSeconds: 21_600, at },
    ],
    [
      'the draft of the IETF',
      { 'ratelimit-limit': '100, 100;w=60', 'ratelimit-remaining': '0', 'ratelimit-reset': '30' },
      { limit: 100, remaining: 0, windowSeconds: 60, resetAt: '2026-01-01T00:00:30.000Z', at },
    ],
    [
      'GitHub, with a time of the clock',
      { 'x-ratelimit-limit': '5000', 'x-ratelimit-remaining': '4999', 'x-ratelimit-reset': '1767229200' },
      { limit: 5000, remaining: 4999, resetAt: '2026-01-01T01:00:00.000Z', at },
    ],
    ['the standard names before those with x-', { 'ratelimit-limit': '1', 'x-ratelimit-limit': '2' }, { limit: 1, at }],
    ['a header that came twice', { 'ratelimit-remaining': ['7', '9'] }, { remaining: 7, at }],
    ['some of them alone', { 'ratelimit-remaining': '7' }, { remaining: 7, at }],
    ['half a second', { 'ratelimit-reset': '1.5' }, { resetAt: '2026-01-01T00:00:01.000Z', at }],
    ['none', { 'retry-after': '30' }, undefined],
    [
      'what is no number',
      { 'ratelimit-limit': 'many', 'ratelimit-remaining': '-1', 'ratelimit-reset': '1e9' },
      undefined,
    ],
    ['a time that no clock can show', { 'ratelimit-reset': '999999999999999' }, undefined],
  ])('%s', (_, headers, said) => {
    expect(readBudget(headers, now)).toEqual(said)
  })
})

describe('what was stored', () => {
  it('is read back', () => {
    const said = { limit: 100, remaining: 7, windowSeconds: 60, resetAt: '2026-01-01T00:00:30.000Z', at }
    expect(toSaidBudget(JSON.parse(JSON.stringify(said)) as Record<string, unknown>)).toEqual(said)
  })

  it.each([
    ['nothing', undefined, undefined],
    ['without its time', { limit: 100 }, undefined],
    ['with something else in a place', { at, limit: '100', remaining: 3 }, { at, remaining: 3 }],
  ])('%s', (_, value, said) => {
    expect(toSaidBudget(value)).toEqual(said)
  })
})
