import { expect, it } from 'vitest'
import { makeEvent } from './event.ts'
import { upstreamBody } from './upstream.ts'

it('an event goes upstream without what fluxd does not have', () => {
  const event = makeEvent({
    type: 'commit',
    metadata: { spec: { type: 'auto', cause: { User: '', Message: '' }, spec: { Changes: [] } } },
    message: 'Commit: x',
    source: { kind: 'source', namespace: 'a', name: 'b' },
    startedAt: '2026-11-21T10:00:00Z',
    endedAt: '2026-11-21T10:00:01Z',
  })
  expect(Object.keys(JSON.parse(upstreamBody(event)) as object).toSorted()).toEqual([
    'endedAt',
    'id',
    'logLevel',
    'metadata',
    'serviceIDs',
    'startedAt',
    'type',
  ])
})
