import { describe, expect, it } from 'vitest'
import { makeEvent } from './event.ts'
import { readDeployment, readEvent } from './stored.ts'

const source = { kind: 'source' as const, namespace: 'a', name: 'b' }
const event = makeEvent({
  type: 'sync',
  metadata: { initialSync: true },
  message: 'Sync: x',
  source,
  startedAt: '2026-11-21T10:00:00Z',
  endedAt: '2026-11-21T10:00:01Z',
})
const record = {
  source,
  cause: { by: 'ann', why: 'requested by ann' },
  job: 'sync-source.1',
  startedAt: '2026-11-21T10:00:00Z',
  endedAt: '2026-11-21T10:00:01Z',
  outcome: 'done',
  reason: '',
  message: 'fine',
  revision: 'main@1',
  before: '',
  chart: '',
  chartDigest: '',
  valuesDigest: '',
  helmRevision: 0,
  images: ['app:1'],
  counts: { created: 1 },
  changes: [{ id: 'a:service/b', action: 'created', reason: '' }],
}

describe('what is read back', () => {
  it('is what was kept', () => {
    expect(readEvent('1-0', JSON.stringify(event))).toEqual({ id: '1-0', ...event })
    expect(readDeployment('1-0', JSON.stringify(record))).toEqual({ id: '1-0', ...record })
  })

  it('has no field that we do not know', () => {
    expect(readEvent('1-0', JSON.stringify({ ...event, token: 'x' }))).not.toHaveProperty('token')
    expect(readDeployment('1-0', JSON.stringify({ ...record, token: 'x' }))).not.toHaveProperty('token')
  })

  it.each([undefined, '', 'null', '[]', '"x"', '{'])('is nothing where it is %s', (text) => {
    expect(readEvent('1-0', text)).toBeUndefined()
    expect(readDeployment('1-0', text)).toBeUndefined()
  })

  it.each<[field: string, value: unknown]>([
    ['type', 'party'],
    ['severity', 1],
    ['serviceIDs', [1]],
    ['metadata', null],
    ['source', { kind: 'planet', namespace: '', name: '' }],
    ['source', null],
    ['message', undefined],
  ])('is no event with the %s %o', (field, value) => {
    expect(readEvent('1-0', JSON.stringify({ ...event, [field]: value }))).toBeUndefined()
  })

  it.each<[field: string, value: unknown]>([
    ['cause', null],
    ['outcome', 'maybe'],
    ['helmRevision', '1'],
    ['images', 'app'],
    ['counts', { created: '1' }],
    ['changes', [{ id: 1 }]],
    ['changes', [null]],
    ['job', 7],
  ])('is no record with the %s %o', (field, value) => {
    expect(readDeployment('1-0', JSON.stringify({ ...record, [field]: value }))).toBeUndefined()
  })
})
