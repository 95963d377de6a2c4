import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jobKinds } from './job.ts'
import { makePayload, readPayload } from './payload.ts'

const good = {
  kind: 'sync-source',
  namespace: 'capstan-system',
  name: 'default',
  reason: 'push to main',
  requestedAt: '2026-11-21T10:00:00.000Z',
}

describe('readPayload', () => {
  const accepted: [what: string, change: Record<string, unknown>][] = [
    ['a source', {}],
    ['an image, which has no namespace', { kind: 'scan-image', namespace: '', name: '127.0.0.1:5000/team/app_x' }],
    ['a name of 253 characters', { name: 'a'.repeat(253) }],
    ['an empty reason', { reason: '' }],
  ]
  it.each(accepted)('takes %s', (_what, change) => {
    expect(readPayload({ ...good, ...change })).toEqual({ payload: { ...good, ...change } })
  })

  const refused: [what: string, data: unknown][] = [
    ['nothing', undefined],
    ['a list', [good]],
    ['an unknown kind', { ...good, kind: 'run-shell' }],
    ['a kind of the prototype', { ...good, kind: 'constructor' }],
    ['an extra field', { ...good, url: 'https://example.com' }],
    ['a missing field', { kind: 'sync-source', namespace: 'a', name: 'b', reason: 'c' }],
    ['a name of 254 characters', { ...good, name: 'a'.repeat(254) }],
    ['an empty name', { ...good, name: '' }],
    ['a name with a line break', { ...good, name: 'a\nb' }],
    ['a name that starts with a dash', { ...good, name: '--upload-pack=x' }],
    ['a name that is a number', { ...good, name: 7 }],
    ['a namespace with a slash', { ...good, namespace: 'a/b' }],
    ['a namespace of 64 characters', { ...good, namespace: 'a'.repeat(64) }],
    ['a reason with an escape sequence', { ...good, reason: '\u001b[2J' }],
    ['a reason of a page', { ...good, reason: 'x'.repeat(2000) }],
    ['a payload above 1 KB', { ...good, name: 'a'.repeat(253), reason: '\\'.repeat(400) }],
    ['a time in words', { ...good, requestedAt: 'yesterday' }],
  ]
  it.each(refused)('refuses %s', (_what, data) => {
    expect(readPayload(data)).toHaveProperty('problem')
  })

  it('accepts nothing but what has exactly the five fields', () => {
    fc.assert(
      fc.property(fc.anything(), (data) => {
        const read = readPayload(data)
        if ('payload' in read) expect(Object.keys(read.payload).sort()).toEqual(Object.keys(good).sort())
      }),
    )
  })
})

describe('makePayload', () => {
  const now = '2026-11-21T10:00:00Z'
  it('makes a payload that is accepted, whatever the reason', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...jobKinds),
        fc.string({ unit: 'binary', maxLength: 3000 }),
        fc.stringMatching(/^[a-z]{1,253}$/),
        (kind, reason, name) => {
          const made = makePayload({ kind, namespace: 'a'.repeat(63), name, reason }, now)
          expect(made).toHaveProperty('payload')
          expect(JSON.stringify(made).length).toBeLessThan(1100)
        },
      ),
    )
  })

  it('keeps a short reason as it is and cuts a long one', () => {
    const made = makePayload({ ...good, kind: 'sync-source', reason: 'x'.repeat(500) }, now)
    expect(made).toMatchObject({ payload: { reason: `${'x'.repeat(199)}…` } })
    expect(makePayload({ ...good, kind: 'sync-source' }, now)).toEqual({ payload: { ...good, requestedAt: now } })
  })

  it('tells of a wrong name', () => {
    expect(makePayload({ ...good, kind: 'sync-source', name: '../etc' }, now)).toEqual({
      problem: 'its name is not a name',
    })
  })
})
