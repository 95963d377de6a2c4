import { describe, expect, it } from 'vitest'
import type { Change } from '../domain/plan/change.ts'
import { countChanges } from '../domain/plan/plan.ts'
import { type Looked, lookStatus } from './look-status.ts'

const revision = `main@${'a'.repeat(40)}`

function looked(actions: Change['action'][], { unchanged = 5, held = [] as Looked['held'] } = {}): Looked {
  const changes = actions.map((action, line) => ({
    id: `x:configmap/${line}`,
    file: 'a.yaml',
    line,
    action,
    ...(action === 'failed' ? { reason: 'UnknownKind' as const, message: 'no such kind' } : {}),
  }))
  return { revision, changes, counts: countChanges(changes, { unchanged, held: held.length }), held }
}

describe('a source that is only looked at', () => {
  it.each<[string, Looked, string]>([
    ['is ready when nothing would change', looked([]), 'nothing would change: 5 objects are as git says'],
    ['does not mind what git leaves alone', looked(['skipped']), 'nothing would change: 5 objects are as git says'],
    [
      'counts what a sync would do',
      looked(['created', 'configured', 'configured', 'configured', 'deleted', 'deleted']),
      '3 objects would be configured, 1 created, 2 deleted; see capstan plan',
    ],
    ['begins with what there is', looked(['deleted']), '1 objects would be deleted; see capstan plan'],
    [
      'names the first failure',
      looked(['created', 'failed', 'failed']),
      '1 objects would be created, 2 would fail: no such kind; see capstan plan',
    ],
  ])('%s', (_what, found, message) => {
    const status = lookStatus(found, '2026-11-21T10:00:00Z')
    const isReady = message.startsWith('nothing')
    expect(status).toMatchObject({
      message,
      ready: isReady,
      reason: isReady ? '' : 'ReadOnly',
      attempted: revision,
      revision: isReady ? revision : '',
    })
  })

  it('shows failures and held deletions, the first hundred of each', () => {
    const held = { id: 'x:namespace/y', file: '', reason: 'DeleteHeld' as const, message: 'kept' }
    const status = lookStatus(
      looked(
        Array.from({ length: 120 }, () => 'failed' as const),
        { held: [held] },
      ),
      '',
    )
    expect(status.failed).toHaveLength(100)
    expect(status.failedCount).toBe(120)
    expect(status.failed[0]).toMatchObject({ reason: 'UnknownKind', file: 'a.yaml', since: 'a'.repeat(40) })
    expect(status.held).toEqual([{ ...held, line: 0, since: '' }])
  })
})
