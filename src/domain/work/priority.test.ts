import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Lane, lanes } from './job.ts'
import {
  type LaneClock,
  laneOf,
  laneOfRetry,
  laneRange,
  placeOf,
  priorityOf,
  shortensBackoff,
  stoppedClock,
  takePlace,
} from './priority.ts'

const lane = fc.constantFrom(...(Object.keys(lanes) as Lane[]))

describe('takePlace', () => {
  const at = (head: number, last: Record<string, number> = {}): LaneClock => ({
    head,
    last: new Map(Object.entries(last)),
  })
  const rows: [what: string, clock: LaneClock, head: number | undefined, place: number][] = [
    ['the first job of an empty lane stands first', stoppedClock, undefined, 1],
    ['the second of the same namespace stands behind it', at(1, { a: 1 }), 1, 2],
    ['a namespace with 5,000 ahead stands behind its own', at(1, { a: 5000 }), 1, 5001],
    ['another namespace stands right behind the head', at(1, { b: 5000 }), 1, 2],
    ['a namespace whose jobs are done stands behind the head again', at(700, { a: 300 }), 700, 701],
    ['an empty lane forgets all places', at(700, { a: 5000 }), undefined, 1],
    ['a head that went back forgets all places', at(700, { a: 5000 }), 3, 4],
    ['past the last place it stays there', at(99_999, { a: 99_999 }), 99_999, 99_999],
  ]
  it.each(rows)('%s', (_what, clock, head, place) => {
    expect(takePlace(clock, 'a', head).place).toBe(place)
  })

  it('serves a lone job of one namespace next, however many of another wait', () => {
    let clock = stoppedClock
    for (let i = 0; i < 5000; i++) clock = takePlace(clock, 'a', i === 0 ? undefined : 1).clock
    expect(takePlace(clock, 'b', 1).place).toBe(2)
  })

  it('keeps only namespaces that are still ahead of the head', () => {
    const { clock } = takePlace(at(1, { old: 5, ahead: 90 }), 'a', 50)
    expect([...clock.last.keys()].sort()).toEqual(['a', 'ahead'])
  })

  it('never lets a namespace overtake its own jobs while the lane is busy', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 200 }), (askers) => {
        let clock = stoppedClock
        const seen = new Map<string, number>()
        for (const asker of askers) {
          const taken = takePlace(clock, asker, clock === stoppedClock ? undefined : 1)
          expect(taken.place).toBeGreaterThan(seen.get(asker) ?? 0)
          seen.set(asker, taken.place)
          clock = taken.clock
        }
      }),
    )
  })
})

describe('priorities', () => {
  it('stay inside their lane and below the limit of BullMQ', () => {
    fc.assert(
      fc.property(lane, fc.integer({ min: -5, max: 10_000_000 }), (which, place) => {
        const priority = priorityOf(which, place)
        const { from, to } = laneRange(which)
        expect(priority).toBeGreaterThanOrEqual(Math.max(from, 1))
        expect(priority).toBeLessThanOrEqual(Math.min(to, 2_097_151))
        expect(laneOf(priority)).toBe(which)
        expect(priorityOf(which, placeOf(priority))).toBe(priority)
      }),
    )
  })

  it('put every place of an urgent lane before every place of the next', () => {
    expect(priorityOf('person', 99_999)).toBeLessThan(priorityOf('webhook', 1))
  })

  it('read anything out of range as periodic', () => {
    expect(laneOf(2_000_000)).toBe('periodic')
  })
})

describe('lanes', () => {
  const rows: [lane: Lane, shortens: boolean, retry: Lane][] = [
    ['person', true, 'change'],
    ['webhook', true, 'change'],
    ['change', true, 'change'],
    ['image', false, 'image'],
    ['periodic', false, 'periodic'],
  ]
  it.each(rows)('%s: shortens a back-off %s, tries again as %s', (which, shortens, retry) => {
    expect(shortensBackoff(which)).toBe(shortens)
    expect(laneOfRetry(which)).toBe(retry)
  })
})
