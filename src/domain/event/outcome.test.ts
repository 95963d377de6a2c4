import { describe, expect, it } from 'vitest'
import { isNewOutcome, severityOf } from './outcome.ts'

type Standing = Parameters<typeof isNewOutcome>[1]
const ok: Standing = { ready: true, reason: '', failed: [] }
const held: Standing = { ready: false, reason: 'MassDeletion', failed: [] }
const bad: Standing = { ready: false, reason: 'GitRefNotFound', failed: [] }

describe('a new outcome', () => {
  it.each<[what: string, before: Standing | undefined, after: Standing, isNew: boolean]>([
    ['well, as before', ok, ok, false],
    ['well, and nothing was known', undefined, ok, false],
    ['trouble, and nothing was known', undefined, bad, true],
    ['trouble, and there was no verdict before', { ready: false, reason: '', failed: [] }, bad, true],
    ['trouble', ok, bad, true],
    ['the same trouble', bad, { ...bad }, false],
    ['another trouble', bad, held, true],
    ['well again', held, ok, true],
  ])('%s', (_what, before, after, isNew) => {
    expect(isNewOutcome(before, after)).toBe(isNew)
  })
})

describe('how urgent it is', () => {
  it.each([
    [ok, 'info'],
    [{ ready: false, reason: 'NotReady' }, 'info'],
    [{ ready: false, reason: 'Suspended' }, 'info'],
    [held, 'warning'],
    [bad, 'error'],
  ])('%o is %s', (standing, severity) => {
    expect(severityOf(standing)).toBe(severity)
  })
})
