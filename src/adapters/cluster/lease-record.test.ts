import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../../domain/manifest/object.ts'
import { holderOf, LeaseWatcher, newLease, renewedLease, takenLease } from './lease-record.ts'

const wall = new Date('2026-11-21T05:00:00.123Z')

function lease(version: string, uid = 'u'): KubeObject {
  return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'l', uid, resourceVersion: version } }
}

describe('a Lease counts as expired', () => {
  it.each<[fact: string, looks: [version: string, askedAt: number, now: number][], last: boolean]>([
    ['never at first sight', [['1', 0, 1]], false],
    [
      'not before the time is over',
      [
        ['1', 0, 0],
        ['1', 14_999, 14_999],
      ],
      false,
    ],
    [
      'when it stood still for the time',
      [
        ['1', 0, 0],
        ['1', 15_000, 15_001],
      ],
      true,
    ],
    [
      'counted from the first answer to the second question',
      [
        ['1', 0, 100],
        ['1', 15_050, 15_200],
      ],
      false,
    ],
    [
      'not when it moved in between',
      [
        ['1', 0, 0],
        ['2', 14_000, 14_000],
        ['2', 20_000, 20_000],
      ],
      false,
    ],
    [
      'after it moved and stood still again',
      [
        ['1', 0, 0],
        ['2', 14_000, 14_000],
        ['2', 29_000, 29_000],
      ],
      true,
    ],
  ])('%s', (_fact, looks, last) => {
    const watcher = new LeaseWatcher(15_000)
    expect(looks.map(([version, askedAt, now]) => watcher.look(lease(version), askedAt, now)).at(-1)).toBe(last)
  })

  it('only while it is watched', () => {
    const watcher = new LeaseWatcher(15_000)
    watcher.look(lease('1'), 0, 0)
    watcher.look(lease('1', 'other'), 0, 0)
    watcher.keepOnly([lease('1', 'other')])
    expect(watcher.look(lease('1'), 20_000, 20_000)).toBe(false)
    expect(watcher.look(lease('1', 'other'), 20_000, 20_000)).toBe(true)
  })
})

describe('writing a Lease', () => {
  const made = newLease({ namespace: 'n', name: 'l', holder: 'a', durationSeconds: 15, wall })
  it('gives times with six digits, as Kubernetes reads them', () => {
    expect(made.spec).toMatchObject({ renewTime: '2026-11-21T05:00:00.123000Z', leaseDurationSeconds: 15 })
  })
  it('renews the time and nothing else', () => {
    const renewed = renewedLease(made, new Date('2026-11-21T05:00:05Z'))
    expect(renewed).toEqual({ ...made, spec: { ...(made.spec as object), renewTime: '2026-11-21T05:00:05.000000Z' } })
  })
  it('counts who took it, and gives it up to nobody', () => {
    const taken = takenLease(made, 'b', wall)
    expect(holderOf(taken)).toBe('b')
    expect(taken.spec).toMatchObject({ leaseTransitions: 1 })
    const free = takenLease(taken, '', wall)
    expect(holderOf(free)).toBe('')
    expect(free.spec).toMatchObject({ leaseTransitions: 1 })
  })
})
