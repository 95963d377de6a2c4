import { expect, it } from 'vitest'
import type { ReleaseRecord } from './record.ts'
import { rollbackTarget } from './rollback-target.ts'
import type { RollbackRequest } from './rollback-request.ts'
import type { StoredRevision } from './state.ts'

const stored = (...states: StoredRevision['state'][]): StoredRevision[] =>
  states.map((state, index) => ({ revision: index + 1, state, changedAt: 0 }))
const wish = (revision: number): RollbackRequest => ({ revision, by: 'ana', text: `to ${revision}` })
const answered = (revision: number, made: number, good?: number): Pick<ReleaseRecord, 'good' | 'pinned'> => ({
  pinned: { request: wish(revision).text, inputs: 'x', revision: made },
  ...(good === undefined ? {} : { good }),
})
const [old, now] = ['superseded', 'deployed'] as const

it.each<[string, StoredRevision[], Partial<Parameters<typeof rollbackTarget>[1]>, number | undefined]>([
  ['the one before', stored(old, old, now), {}, 2],
  ['not one whose tests failed', stored(old, old, now), { record: { good: 1 } }, 1],
  ['the one before a good one', stored(old, old, now), { record: { good: 3 } }, 2],
  ['nothing older', stored(now), {}, undefined],
  ['further back the second time', stored(old, old, old, now), { wish: wish(2), record: answered(2, 4, 3) }, 1],
  ['not forward again', stored(old, old, now), { wish: wish(1), record: answered(1, 3, 2) }, undefined],
  ['the same where the first is not done yet', stored(old, old, now), { wish: wish(1), record: { good: 2 } }, 1],
  ['the same where the first one failed', stored(old, now, 'failed'), { wish: wish(1), record: answered(1, 0, 2) }, 1],
  [
    'as if nobody had gone back, once something else was deployed',
    stored(old, old, old, now),
    { wish: wish(1), record: answered(1, 3) },
    3,
  ],
])('a rollback without a number goes to %s', (_what, revisions, known, expected) => {
  expect(rollbackTarget(revisions, { wish: undefined, record: undefined, ...known })).toBe(expected)
})
