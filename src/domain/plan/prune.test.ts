import { describe, expect, it } from 'vitest'
import { keyOf, type ObjectRef } from '../manifest/object.ts'
import type { InventoryEntry } from './inventory.ts'
import type { LiveObject } from './live.ts'
import { type PruneFacts, planPrune } from './prune.ts'

const mark = 'sha256.mine'
const earlier = 'sha256.mine-before'

function entry(kind: string, name: string, apiVersion = 'v1'): InventoryEntry {
  const ref: ObjectRef = { apiVersion, kind, namespace: 'demo', name }
  return { ref, file: 'a.yaml', applied: 'd', owned: 'o', tried: '', triedAt: '' }
}

function live(of: InventoryEntry, change: Partial<LiveObject> = {}): LiveObject {
  const base: LiveObject = {
    ref: of.ref,
    uid: 'u',
    resourceVersion: '1',
    checksum: 'd',
    owned: 'o',
    mark,
    ignore: '',
    hasOwner: false,
    deleting: false,
    pruneAllowed: false,
  }
  return { ...base, ...change }
}

function facts(
  owned: InventoryEntry[],
  keep: number,
  change: Partial<LiveObject> = {},
  more: Partial<PruneFacts> = {},
): PruneFacts {
  const inventory = new Map(owned.map((one) => [keyOf(one.ref), one]))
  return {
    inventory,
    desired: new Set([...inventory.keys()].slice(0, keep)),
    live: (key) => {
      const one = inventory.get(key)
      return one && live(one, change)
    },
    isOurs: (live) => live.mark === mark || live.mark === earlier,
    allowed: () => true,
    massApproved: false,
    massHeld: false,
    isKept: () => false,
    isUnseen: () => false,
    ...more,
  }
}

const stays = entry('ConfigMap', 'stays')
const left = entry('ConfigMap', 'left')

describe('planPrune', () => {
  it('removes what left git with the mark of an earlier URL, branch or path', () => {
    const plan = planPrune(facts([stays, left], 1, { mark: earlier }))
    expect(plan.remove.map(({ entry, live }) => [entry.ref.name, live.mark])).toEqual([['left', earlier]])
  })

  it('removes what left git', () => {
    const plan = planPrune(facts([stays, left], 1))
    expect(plan.remove.map(({ entry }) => entry.ref.name)).toEqual(['left'])
  })

  const spared: [string, Partial<LiveObject>][] = [
    ['annotated ignore', { ignore: 'true' }],
    ['annotated sync_only', { ignore: 'sync_only' }],
    ['owned by a controller', { hasOwner: true }],
    ['being deleted already', { deleting: true }],
  ]
  it.each(spared)('spares an object that is %s', (_, change) => {
    expect(planPrune(facts([stays, left], 1, change))).toEqual({ remove: [], held: [], forget: [] })
  })

  it('forgets an object that carries the mark of another source, and deletes nothing', () => {
    const plan = planPrune(facts([stays, left], 1, { mark: 'sha256.other' }))
    expect(plan).toEqual({ remove: [], held: [], forget: [keyOf(left.ref)] })
  })

  it('forgets an object that is gone', () => {
    expect(planPrune(facts([stays, left], 1, {}, { live: () => undefined })).forget).toEqual([keyOf(left.ref)])
  })

  it('spares a namespace outside the allow-list', () => {
    expect(planPrune(facts([stays, left], 1, {}, { allowed: () => false })).remove).toEqual([])
  })

  const guarded: [string, string][] = [
    ['Namespace', 'v1'],
    ['PersistentVolume', 'v1'],
    ['PersistentVolumeClaim', 'v1'],
    ['CustomResourceDefinition', 'apiextensions.k8s.io/v1'],
  ]
  it.each(guarded)('holds a %s until the live object says so', (kind, apiVersion) => {
    const owned = [stays, entry(kind, 'precious', apiVersion)]
    expect(planPrune(facts(owned, 1)).held.map(({ reason }) => reason)).toEqual(['DeleteHeld'])
    expect(planPrune(facts(owned, 1, { pruneAllowed: true })).remove).toHaveLength(1)
  })

  const many = Array.from({ length: 20 }, (_, index) => entry('ConfigMap', `c${index}`))
  it('holds a mass deletion: more than half, at least ten', () => {
    const plan = planPrune(facts(many, 9))
    expect(plan.remove).toEqual([])
    expect(plan.held.map(({ reason }) => reason)).toEqual(Array.from({ length: 11 }, () => 'MassDeletion'))
  })

  it('does not hold exactly half', () => {
    expect(planPrune(facts(many, 10)).remove).toHaveLength(10)
  })

  it('does not hold nine of ten', () => {
    expect(planPrune(facts(many.slice(0, 10), 1)).remove).toHaveLength(9)
  })

  it('lets an approved mass deletion go', () => {
    expect(planPrune(facts(many, 1, {}, { massApproved: true })).remove).toHaveLength(19)
  })

  it('never empties a source by itself, however small it is', () => {
    expect(planPrune(facts([left], 0)).held.map(({ reason }) => reason)).toEqual(['MassDeletion'])
  })
})
