import pLimit from 'p-limit'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createPlaces, type Places } from './places.ts'

let places: Places

beforeEach(() => {
  vi.useFakeTimers()
  const limit = pLimit(1)
  places = createPlaces((work) => limit(work), { waiting: 1, busyMs: 5_000 })
})
afterEach(() => void vi.useRealTimers())

/** Work that ends when it is told to, and what it has come to. */
function begin(place: keyof Places) {
  const end = Promise.withResolvers<string>()
  const seen = { begun: false, ended: '' }
  const result = places[place](async () => {
    seen.begun = true
    return await end.promise
  })
  void result.then(
    (value) => (seen.ended = value),
    (error: Error) => (seen.ended = error.message),
  )
  return { seen, end }
}

const pass = async (ms: number) => await vi.advanceTimersByTimeAsync(ms)

it('lets the next begin when one has ended, and gives what it gave', async () => {
  const [one, two] = [begin('working'), begin('working')]
  await pass(4_999)
  expect([one.seen.begun, two.seen.begun]).toEqual([true, false])
  one.end.resolve('done')
  await pass(0)
  expect(one.seen.ended).toBe('done')
  expect(two.seen.begun).toBe(true)
  two.end.reject(new Error('broken'))
  await pass(0)
  expect(two.seen.ended).toBe('broken')
})

it('lets the next begin when one goes on for long', async () => {
  const [one, two] = [begin('working'), begin('working')]
  await pass(5_000)
  expect(two.seen.begun).toBe(true)
  one.end.resolve('late')
  await pass(0)
  expect(one.seen.ended).toBe('late')
})

it('keeps the place of what goes on for long as long as none is free elsewhere', async () => {
  const waits = begin('waiting')
  const [one, two] = [begin('working'), begin('working')]
  await pass(60_000)
  expect([waits.seen.begun, one.seen.begun, two.seen.begun]).toEqual([true, true, false])
  waits.end.resolve('over')
  await pass(0)
  expect(two.seen.begun).toBe(true)
  two.end.resolve('quick')
  await pass(0)
  expect(two.seen.ended).toBe('quick')
})

it('keeps no place elsewhere for what has ended meanwhile', async () => {
  const waits = begin('waiting')
  const one = begin('working')
  await pass(5_000)
  one.end.resolve('done')
  waits.end.resolve('over')
  await pass(0)
  const next = begin('waiting')
  await pass(0)
  expect(next.seen.begun).toBe(true)
})
