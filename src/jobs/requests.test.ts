import { expect, it } from 'vitest'
import { createFakeStore } from '../../test/fakes/store.ts'
import { createRequests } from './requests.ts'

const resume = { namespace: 'team', name: 'web', by: 'jo', ask: { kind: 'change-release', change: 'resume' } } as const
const suspend = { ...resume, ask: { kind: 'change-release', change: 'suspend', why: '' } } as const
const base = Date.parse('2026-11-22T10:00:00Z')

/** Two replicas of the API over one store; the first one's clock is two hours ahead. */
function replicas() {
  const store = createFakeStore()
  const clock = { now: base }
  const make = (aheadMs: number) => {
    let count = 0
    const newId = (): string => `${aheadMs}${count++}`.padStart(32, '0')
    return createRequests({ store, key: () => new Uint8Array(32), newId, now: () => new Date(clock.now + aheadMs) })
  }
  return { store, clock, ahead: make(7_200_000), right: make(0) }
}

it('a request that comes later is later, also by the clock of another replica', async () => {
  const { clock, ahead, right } = replicas()
  const first = await ahead.put(suspend)
  clock.now += 60_000
  const second = await right.put(resume)
  const third = await right.put(suspend)
  expect([first.at, second.at, third.at]).toEqual([
    '2026-11-22T12:00:00.000Z',
    '2026-11-22T12:00:00.001Z',
    '2026-11-22T12:00:00.002Z',
  ])
})

it('other objects and requests that change nothing have the time of the clock', async () => {
  const { ahead, right } = replicas()
  await ahead.put(suspend)
  expect((await right.put({ ...resume, name: 'other' })).at).toBe('2026-11-22T10:00:00.000Z')
  const plan = { ...resume, ask: { kind: 'plan-release', show: 'changes' } } as const
  expect((await right.put(plan)).at).toBe('2026-11-22T10:00:00.000Z')
})

it.each(['9999-01-01T00:00:00.000Z', 'nonsense', '-1'])('what Redis makes up counts for nothing: %s', async (text) => {
  const { store, right } = replicas()
  await store.write('asked:change-release:team/web', text, { ttlMs: 60_000 })
  expect((await right.put(resume)).at).toBe('2026-11-22T10:00:00.000Z')
})
