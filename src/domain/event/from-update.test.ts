import { describe, expect, it } from 'vitest'
import type { PolicyChange } from '../work/update-spec.ts'
import { eventsOfCommit, type PushedCommit } from './from-update.ts'

const source = { kind: 'source' as const, namespace: 'capstan', name: 'default' }
const commit = 'a'.repeat(40)
const [web, api] = ['demo:deployment/web', 'demo:deployment/api'] as const

function pushed(changes: Record<string, PolicyChange>, cause = { User: '', Message: '' }): PushedCommit {
  const result = Object.fromEntries(Object.keys(changes).map((id) => [id, { Status: 'success' as const }]))
  return {
    source,
    at: '2026-11-21T10:00:00.000Z',
    commit,
    note: { spec: { type: 'policy', cause, spec: changes }, result },
  }
}

describe('the events of a commit of ours', () => {
  const none = { add: {}, remove: {} }
  const rows: [what: string, pushed: PushedCommit, messages: string[]][] = [
    ['automated', pushed({ [web]: { ...none, add: { automated: 'true' } } }), [`Automated: ${web}`]],
    ['deautomated', pushed({ [web]: { ...none, remove: { automated: 'true' } } }), [`Deautomated: ${web}`]],
    [
      'locked, with who and why',
      pushed({ [web]: { ...none, add: { locked: 'true', locked_user: 'ann', locked_msg: 'a bug' } } }),
      [`Locked: ${web}, by ann: a bug`],
    ],
    [
      'unlocked',
      pushed({ [web]: { ...none, remove: { locked: 'true' } } }, { User: 'bob', Message: '' }),
      [`Unlocked: ${web}, by bob`],
    ],
    ['another tag policy', pushed({ [web]: { ...none, add: { 'tag.web': 'glob:*' } } }), [`Updated policies: ${web}`]],
    [
      'two workloads, two kinds',
      pushed({
        [web]: { ...none, add: { automated: 'true', 'tag.web': 'glob:*' } },
        [api]: { ...none, add: { automated: 'true' } },
      }),
      [`Automated: ${api}, ${web}`, `Updated policies: ${web}`],
    ],
  ]
  it.each(rows)('%s', (_what, given, messages) => {
    const [first, ...policies] = eventsOfCommit(given)
    expect(first).toMatchObject({ type: 'commit', commit, metadata: { revision: commit, spec: given.note.spec } })
    expect(policies.map(({ message }) => message)).toEqual(messages)
    expect(policies.every(({ source: { name } }) => name === 'default')).toBe(true)
  })

  it('leave out what could not be changed', () => {
    const given = pushed({ [web]: { ...none, add: { locked: 'true' } } })
    given.note.result[web] = { Status: 'skipped' }
    expect(eventsOfCommit(given).map(({ message }) => message)).toEqual([`Commit: ${'a'.repeat(12)}, <no changes>`])
  })
})
