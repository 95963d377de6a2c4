import { describe, expect, it } from 'vitest'
import { makePayload } from './payload.ts'
import {
  open,
  openRequest,
  type Request,
  requestIdOf,
  requestJobName,
  requestKey,
  seal,
  sealRequest,
} from './request.ts'

const id = '0123456789abcdef0123456789abcdef'
const key = requestKey('a-token')
const request: Request = {
  id,
  namespace: 'capstan-system',
  name: 'default',
  by: 'alice',
  at: '2026-11-21T10:00:00.000Z',
  endedAt: '',
  ask: { kind: 'change-source', change: 'suspend', why: 'it rains' },
}

describe('a request record', () => {
  it('is read back with the key of the same token', () => {
    expect(openRequest(sealRequest(request, key) ?? '', id, requestKey('a-token'))).toEqual(request)
  })

  const text = sealRequest(request, key) ?? ''
  it.each<[what: string, text: string, id: string, key: Uint8Array]>([
    ['signed with another token', text, id, requestKey('another-token')],
    ['put under another id', text, 'f'.repeat(32), key],
    ['with other words', text.replace('alice', 'mallo'), id, key],
    ['with words added', `${text} `, id, key],
    ['without a signature', JSON.stringify(request), id, key],
    ['signed by nobody', `${'0'.repeat(64)} ${JSON.stringify(request)}`, id, key],
    ['with a signature that is no ASCII', `${'é'.repeat(64)} ${JSON.stringify(request)}`, id, key],
    ['empty', '', id, key],
    ['a plan that was signed', seal(JSON.stringify(request), { place: `plan:${id}`, key }), id, key],
  ])('%s is refused', (_what, forged, at, by) => {
    expect(openRequest(forged, at, by)).toBeUndefined()
  })

  it('is at most 64 KB', () => {
    const why = 'x'.repeat(64 * 1024)
    expect(sealRequest({ ...request, ask: { kind: 'change-source', change: 'suspend', why } }, key)).toBeUndefined()
  })
})

describe('the name of its job', () => {
  it.each(['default', 'a', 'a'.repeat(253)])('%s is one that the queue takes, and holds the id', (name) => {
    const jobName = requestJobName({ id, name })
    const made = makePayload({ kind: 'plan-source', namespace: 'a', name: jobName, reason: 'x' }, request.at)
    expect(made).toHaveProperty('payload')
    expect(requestIdOf(jobName)).toBe(id)
  })

  it.each(['default', 'default@', id, `default@${id}0`, `default@${id.toUpperCase()}`, `a@${id}@b`])(
    '%s names no request',
    (name) => {
      expect(requestIdOf(name)).toBeUndefined()
    },
  )
})

describe('a sealed text', () => {
  it('is bound to its place, whatever the two look like together', () => {
    const text = seal('bc', { place: 'a', key })
    expect(open(text, { place: 'a', key })).toBe('bc')
    const moved = text.replace(' bc', ' c')
    expect(open(moved, { place: 'ab', key })).toBeUndefined()
  })
})
