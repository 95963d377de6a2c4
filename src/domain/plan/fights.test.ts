import { describe, expect, it } from 'vitest'
import { printPath } from './field-path.ts'
import { type Conflict, contested, fightMessage, type Fights, noteOverruled } from './fights.ts'

const minute = 60_000
const replicas = [{ key: 'spec' }, { key: 'replicas' }]
const paused = [{ key: 'spec' }, { key: 'paused' }]
const by = (manager: string, ...fields: Conflict['fields']): Conflict[] => [{ manager, fields }]

function after(times: readonly number[]): Fights {
  const fights: Fights = new Map()
  for (const at of times) noteOverruled(fights, 'a', by('hpa', replicas), at)
  return fights
}

describe('a field that another manager takes back', () => {
  it.each<[fact: string, times: number[], now: number, left: boolean]>([
    ['is forced three times', [0, 1, 2], 3, false],
    ['is left alone after the fourth within 5 min', [0, 1, 2, 3], 4, true],
    ['is left alone at the very end of 5 min', [0, 1, 2, 5 * minute], 5 * minute, true],
    ['is forced when four took longer than 5 min', [0, 4 * minute, 8 * minute, 12 * minute], 12 * minute, false],
    ['is left alone for 5 min', [0, 1, 2, 3], 3 + 5 * minute - 1, true],
    ['is forced again after 5 min of rest', [0, 1, 2, 3], 3 + 5 * minute, false],
  ])('%s', (_fact, times, now, left) => {
    const fights = after(times)
    expect(contested(fights, 'a', now)).toEqual(left ? [replicas] : [])
    expect(fightMessage(fights, 'a', now) !== undefined).toBe(left)
  })

  it('begins anew after a rest', () => {
    const fights = after([0, 1, 2, 3])
    noteOverruled(fights, 'a', by('hpa', replicas), 6 * minute)
    expect(contested(fights, 'a', 6 * minute)).toEqual([])
  })

  it('is no matter of other fields and other objects', () => {
    const fights = after([0, 1, 2, 3])
    noteOverruled(fights, 'a', by('kubectl', paused), 4)
    expect(contested(fights, 'a', 5).map(printPath)).toEqual(['.spec.replicas'])
    expect(contested(fights, 'b', 5)).toEqual([])
  })

  it('is told with its manager and what to do', () => {
    expect(fightMessage(after([0, 1, 2, 3]), 'a', 4)).toBe(
      'Changed back again and again, so left alone for 5 min: .spec.replicas (by hpa). Stop that manager or take the field out of git.',
    )
  })
})

describe('what is remembered', () => {
  it('is forgotten when it has rested', () => {
    const fights = after([0])
    expect(contested(fights, 'a', 5 * minute)).toEqual([])
    expect(fights.size).toBe(0)
  })

  it('is bounded, the oldest goes first', () => {
    const fights: Fights = new Map()
    for (let object = 0; object < 1500; object++) noteOverruled(fights, `o${object}`, by('x', replicas), object)
    expect(fights.size).toBe(1000)
    expect(fights.has('o1499') && !fights.has('o0')).toBe(true)
    const many = Array.from({ length: 300 }, (_, field) => [{ key: `f${field}` }])
    for (let time = 0; time < 50; time++) noteOverruled(fights, 'o1499', by('x', ...many), time)
    expect(fights.get('o1499')?.size).toBe(100)
    expect([...(fights.get('o1499')?.values() ?? [])].every(({ at }) => at.length <= 4)).toBe(true)
  })
})
