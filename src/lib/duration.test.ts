import { describe, expect, it } from 'vitest'
import { parseDuration } from './duration.ts'

describe('parseDuration', () => {
  it.each([
    ['0', 0],
    ['5m', 300_000],
    ['1m30s', 90_000],
    ['1h0m0.5s', 3_600_500],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['250ms', 250],
    ['10us', 0.01],
    ['+3s', 3000],
  ])('reads %s as Go does', (text, ms) => {
    expect(parseDuration(text)).toBeCloseTo(ms)
  })

  it.each(['', '5', '5 m', 'm', '-5m', '1d', '1m30', '1e3s', '5m!', '.s', '+', 'five minutes'])(
    'refuses "%s"',
    (text) => {
      expect(parseDuration(text)).toBeUndefined()
    },
  )
})
