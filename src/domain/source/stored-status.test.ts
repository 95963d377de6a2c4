import { describe, expect, it } from 'vitest'
import { emptyStatus, type SourceStatus } from './status.ts'
import { parseSourceStatus } from './stored-status.ts'

const failure = { id: 'a:b/c', file: 'a.yaml', line: 3, reason: 'ApplyRefused' as const, message: 'no', since: 'abc' }
const drift = { id: 'a:b/c', file: '', line: 0, manager: 'm', at: '', fields: ['.spec'], reason: 'Drifted' as const }
const plain: SourceStatus = { ...emptyStatus, message: '' }
const full: SourceStatus = {
  ...plain,
  loaded: 'main@1',
  failed: [failure],
  failedCount: 1,
  unlisted: { abc: 'xyz' },
  held: [failure],
  drifted: [drift],
  suspended: { by: 'me', why: '', since: '' },
  refused: { commit: 'abc', why: 'no' },
  waiting: { since: '', count: 1, unhealthy: [{ id: 'x', state: 'failed', message: '' }] },
  marker: { commit: 'abc', problem: '', foreignAt: '', object: 'o', of: 'x' },
  rewrittenFrom: 'abc',
  inventory: { parts: ['x'], digest: 'y', count: 1 },
  sets: ['s'],
}

/** What is read of a status that somebody else wrote. */
function read(change: Record<string, unknown>): SourceStatus | undefined {
  return parseSourceStatus(JSON.stringify({ ...full, ...change }))
}

describe('a stored status', () => {
  it.each([
    ['whole', full],
    ['with nothing but what each one has', plain],
  ])('is read %s', (_what, status) => {
    expect(parseSourceStatus(JSON.stringify(status))).toEqual(status)
  })

  it.each([
    ['a text', '"x"'],
    ['a list', '[]'],
    ['null', 'null'],
    ['no JSON', '{'],
    ['a version alone', '{"version":1}'],
    ['empty', ''],
  ])('is none when it is %s', (_what, text) => {
    expect(parseSourceStatus(text)).toBeUndefined()
  })

  it.each([
    ['of another version', { version: 2 }],
    ['without a revision', { revision: undefined }],
    ['with a message that is no text', { message: {} }],
    ['ready in a word', { ready: 'yes' }],
    ['with a failure that is null', { failed: [null] }],
    ['with a failure without a line', { failed: [{ ...failure, line: undefined }] }],
    ['with something held that is a text', { held: ['x'] }],
    ['with no list of failures', { failed: {} }],
    ['with a count below zero', { objects: -1 }],
    ['with half a failure', { failedCount: 0.5 }],
    ['without an inventory', { inventory: undefined }],
    ['with parts that are numbers', { inventory: { parts: [1], digest: '', count: 0 } }],
  ])('is none %s', (_what, change) => {
    expect(read(change)).toBeUndefined()
  })

  it('is none with a number that no JSON can hold', () => {
    expect(parseSourceStatus(JSON.stringify(full).replace('"objects":0', '"objects":1e999'))).toBeUndefined()
  })

  it.each([
    ['loaded', 1],
    ['unlisted', { abc: 1 }],
    ['suspended', 'x'],
    ['refused', { commit: 'x' }],
    ['waiting', { since: '', count: 1, unhealthy: [null] }],
    ['marker', { commit: 'x', problem: '', of: 1 }],
    ['rewrittenFrom', []],
    ['sets', [1]],
  ] as const)('is read without %s where that alone is damaged', (part, value) => {
    const { [part]: _, ...rest } = full
    expect(read({ [part]: value })).toEqual(rest)
  })

  it('is read without the differences from git that are none', () => {
    const odd = [null, { ...drift, fields: [1] }, { ...drift, reason: 'x' }]
    expect(read({ drifted: [...odd, drift] })?.drifted).toEqual([drift])
    expect(read({ drifted: undefined })?.drifted).toEqual([])
  })

  it('keeps nothing that is no part of a status', () => {
    expect(read({ more: 'x', ['__proto__']: { x: 1 } })).toEqual(full)
  })
})
