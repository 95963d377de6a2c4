import { expect, it } from 'vitest'
import type { ReleaseRecord } from '../../domain/release/record.ts'
import { createReleaseMemory } from './memory.ts'
import { inOwnTime } from './own-time.ts'

const start = Date.parse('2026-11-22T10:00:00Z')
const minute = 60_000

function failedAt(at: number, waitMs = 15 * minute): ReleaseRecord {
  return {
    version: 1,
    owner: { uid: 'me', namespace: 'team', name: 'web' },
    since: '2026-11-01T00:00:00.000Z',
    failed: {
      inputs: 'x',
      by: 'upgrade',
      generation: 1,
      attempts: 9,
      revision: 2,
      stored: true,
      rollbacks: 0,
      reason: 'HelmFailed',
      message: 'no',
      at: new Date(at).toISOString(),
      retryAt: new Date(at + waitMs).toISOString(),
    },
  }
}

function bench() {
  const deps = { memory: createReleaseMemory() }
  return (record: ReleaseRecord | undefined, now: number): number =>
    Date.parse(inOwnTime(record, { key: 'team/web', now }, deps)?.failed?.retryAt ?? '')
}

it('a failure of the past keeps its time', () => {
  const read = bench()
  expect(read(failedAt(start - minute), start)).toBe(start + 14 * minute)
  expect(read(undefined, start)).toBeNaN()
})

it('one of a clock that is two hours ahead waits for its back-off and no longer, however often it is looked at', () => {
  const read = bench()
  const record = failedAt(start + 120 * minute)
  expect(read(record, start)).toBe(start + 15 * minute)
  expect(read(record, start + 5 * minute)).toBe(start + 15 * minute)
  expect(read(record, start + 16 * minute)).toBe(start + 15 * minute)
})

it('the next failure, and a clock that goes back again, begin to count anew', () => {
  const read = bench()
  expect(read(failedAt(start + 120 * minute), start)).toBe(start + 15 * minute)
  expect(read(failedAt(start + 140 * minute), start + 16 * minute)).toBe(start + 31 * minute)
  expect(read(failedAt(start + 140 * minute), start - 60 * minute)).toBe(start - 45 * minute)
})
