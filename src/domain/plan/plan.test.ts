import { describe, expect, it } from 'vitest'
import { checksumAnnotation, gcMarkLabel } from '../manifest/annotations.ts'
import type { KubeObject } from '../manifest/object.ts'
import type { Held } from './prune.ts'
import { lastAppliedAnnotation } from './take-over.ts'
import { countChanges, fitPlan, type Plan, plainObject, plannedHolds, wouldChange } from './plan.ts'

const bare: KubeObject = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'web', namespace: 'demo' },
  data: { a: '1' },
}

function changed(metadata: Record<string, unknown>, rest: Record<string, unknown> = {}): KubeObject {
  return { ...bare, ...rest, metadata: { ...bare.metadata, ...metadata } } as KubeObject
}

describe('whether an apply would change something', () => {
  it.each<[what: string, after: KubeObject, expected: boolean]>([
    ['nothing', bare, false],
    ['order of keys', { data: { a: '1' }, kind: 'ConfigMap', metadata: bare.metadata, apiVersion: 'v1' }, false],
    ['resource version, generation, uid', changed({ resourceVersion: '2', generation: 3, uid: 'x' }), false],
    ['managed fields', changed({ managedFields: [{ manager: 'capstan', operation: 'Apply' }] }), false],
    ['our mark', changed({ labels: { [gcMarkLabel]: 'sha256.x' } }), false],
    ['our checksum', changed({ annotations: { [checksumAnnotation]: 'x' } }), false],
    ["kubectl's copy", changed({ annotations: { [lastAppliedAnnotation]: '{}' } }), false],
    ['status', changed({}, { status: { replicas: 3 } }), false],
    ['another label', changed({ labels: { [gcMarkLabel]: 'sha256.x', app: 'web' } }), true],
    ['another annotation', changed({ annotations: { a: 'b' } }), true],
    ['content', changed({}, { data: { a: '2' } }), true],
    ['a field that goes', changed({}, { data: {} }), true],
  ])('%s', (_what, after, expected) => {
    expect(wouldChange(bare, after)).toBe(expected)
    expect(wouldChange(after, bare)).toBe(expected)
  })

  it('leaves the objects themselves as they are', () => {
    const object = changed({ labels: { [gcMarkLabel]: 'x' }, uid: 'u' }, { status: {} })
    const copy = structuredClone(object)
    expect(plainObject(object)).toEqual(bare)
    expect(object).toEqual(copy)
  })
})

describe('held deletions', () => {
  const entry = {
    ref: { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'demo', name: 'web' },
    file: 'a.yaml',
    applied: '',
    owned: '',
    tried: '',
    triedAt: '',
  }
  it.each<[held: Pick<Held, 'reason' | 'message'>, commit: string, message: string]>([
    [{ reason: 'MassDeletion', message: 'many' }, 'abc', 'many: capstan approve --commit abc'],
    [{ reason: 'MassDeletion', message: 'many' }, '', 'many'],
    [{ reason: 'DeleteHeld', message: 'a Namespace' }, 'abc', 'a Namespace'],
  ])('%j at %j say %s', (held, commit, message) => {
    const [hold] = plannedHolds([{ key: 'k', entry, ...held }], commit)
    expect(hold).toEqual({ id: 'demo:configmap/web', file: 'a.yaml', reason: held.reason, message })
  })
})

const change = { id: 'demo:configmap/web', action: 'created' as const, file: 'a.yaml', line: 1 }

describe('the counts', () => {
  it('are by action', () => {
    const changes = [change, change, { ...change, action: 'failed' as const }]
    expect(countChanges(changes, { unchanged: 7, held: 1 })).toEqual({
      created: 2,
      configured: 0,
      unchanged: 7,
      deleted: 0,
      skipped: 0,
      failed: 1,
      held: 1,
    })
  })
})

describe('a plan that is stored', () => {
  const plan: Plan = {
    id: 'x',
    namespace: 'a',
    name: 'b',
    state: 'done',
    revision: 'main@x',
    finishedAt: '',
    reason: '',
    message: '',
    changes: Array.from({ length: 50 }, () => ({ ...change, diff: '+é\n'.repeat(300) })),
    counts: countChanges([], { unchanged: 0, held: 0 }),
    held: [],
    warnings: ['one'],
  }
  const size = (value: unknown) => Buffer.byteLength(JSON.stringify(value))

  it('is whole where it fits', () => {
    expect(fitPlan(plan, 1_000_000)).toEqual(plan)
  })

  it('loses diffs first', () => {
    const fit = fitPlan(plan, 30_000)
    expect(size(fit)).toBeLessThanOrEqual(30_000)
    expect(fit.changes).toHaveLength(50)
    const shown = fit.changes.filter(({ diff }) => diff).length
    expect(shown).toBeGreaterThan(5)
    expect(fit.warnings).toEqual(['one', `the plan is too large to show all of it: ${50 - shown} diffs are left out`])
  })

  it('loses objects next, and says how many', () => {
    const fit = fitPlan(plan, 3000)
    expect(size(fit)).toBeLessThanOrEqual(3000)
    expect(fit.changes.length).toBeGreaterThan(1)
    expect(fit.warnings.at(-1)).toBe(
      `the plan is too large to show all of it: ${50 - fit.changes.length} objects are only counted`,
    )
  })
})
