import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../manifest/object.ts'
import { diffObjects } from './diff.ts'
import { maskPair, secretValues } from './masked.ts'
import { lastAppliedAnnotation } from './take-over.ts'

const plain = (text: string) => text

function secret(fields: Record<string, unknown>, metadata: Partial<KubeObject['metadata']> = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'db', ...metadata }, ...fields }
}

function config(data: Record<string, unknown>): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'db' }, data }
}

describe('a Secret', () => {
  it('shows of its data only what is the same and what changed', () => {
    const { before, after } = maskPair(
      secret({ data: { a: 'b25l', b: 'dHdv', gone: 'eA==' }, type: 'Opaque' }),
      secret({ data: { a: 'b25l', b: 'ZHJlaQ==', fresh: 'eQ==' }, stringData: { c: 'plain' }, type: 'Opaque' }),
      plain,
    )
    expect(before).toMatchObject({ data: { a: '*****', b: '*****', gone: '*****' }, type: 'Opaque' })
    expect(after).toMatchObject({
      data: { a: '*****', b: '***** (changed)', fresh: '*****' },
      stringData: { c: '*****' },
      type: 'Opaque',
    })
  })

  it.each<[what: string, data: unknown]>([
    ['a text', 'hunter2hunter2'],
    ['a list', ['hunter2hunter2']],
    ['a map in a map', { a: { b: 'hunter2hunter2' } }],
    ['a map of lists', { a: ['hunter2hunter2'] }],
  ])('whose data is %s shows nothing of it', (_what, data) => {
    const shown = maskPair(secret({ data }), secret({ data, stringData: data }), plain)
    expect(JSON.stringify(shown)).not.toContain('hunter2')
  })

  it('is known by what it holds, encoded, decoded and as text', () => {
    expect(secretValues(secret({ data: { a: 'aHVudGVyMg==' }, stringData: { b: 'plain', c: 7 } }))).toEqual([
      'aHVudGVyMg==',
      'hunter2',
      'plain',
      '7',
    ])
    expect(secretValues(config({ a: 'x' }))).toEqual([])
  })

  it('of 500 random shapes shows no value, neither as text nor in base64', () => {
    const value = fc.stringMatching(/^[A-Za-z0-9+/ :#{}'"%\n-]{8,60}$/).filter((text) => text.trim().length >= 8)
    const data = fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), value, { minKeys: 1, maxKeys: 5 })
    const state = fc.record({ data, stringData: fc.option(data, { nil: undefined }), note: value })
    fc.assert(
      fc.property(fc.option(state, { nil: undefined }), state, (old, fresh) => {
        const before = old && toSecret(old)
        const diff = diffObjects(before, toSecret(fresh), plain)
        for (const one of [old, fresh]) {
          for (const text of [...Object.values(one?.data ?? {}), ...Object.values(one?.stringData ?? {})]) {
            expect(diff).not.toContain(text)
            expect(diff).not.toContain(Buffer.from(text).toString('base64').replace(/=+$/, ''))
            for (const line of text.split('\n')) if (line.length >= 8) expect(diff).not.toContain(line)
          }
        }
      }),
      { numRuns: 500 },
    )
  })

  function toSecret(state: {
    data: Record<string, string>
    stringData?: Record<string, string> | undefined
    note: string
  }) {
    const encoded = Object.entries(state.data).map(([key, text]) => [key, Buffer.from(text).toString('base64')])
    const whole = { data: Object.fromEntries(encoded), ...(state.stringData ? { stringData: state.stringData } : {}) }
    const annotations = { [lastAppliedAnnotation]: JSON.stringify(secret(whole)), other: 'seen' }
    return secret(whole, { annotations })
  }
})

describe('another object', () => {
  const redact = (text: string) => text.replaceAll(/hunter\d/g, '*****')

  it('shows that a masked value changed, and no more', () => {
    const { before, after } = maskPair(
      config({ url: 'db://me:hunter1@db', same: 'hunter3', n: 'x' }),
      config({ url: 'db://me:hunter2@db', same: 'hunter3', n: 'y' }),
      redact,
    )
    expect(before?.data).toEqual({ url: 'db://me:*****@db', same: '*****', n: 'x' })
    expect(after?.data).toEqual({ url: 'db://me:*****@db (changed)', same: '*****', n: 'y' })
  })

  it('has masked keys and list items too, and keeps numbers and nothing as they are', () => {
    const { after } = maskPair(undefined, config({ hunter1: 1, hunter2: null, list: ['hunter1', true] }), redact)
    expect(after?.data).toEqual({ '*****': 1, '***** #2': null, list: ['*****', true] })
  })

  it("never shows kubectl's copy of the manifest", () => {
    const object = { ...config({}), metadata: { name: 'db', annotations: { [lastAppliedAnnotation]: '{}', a: 'b' } } }
    const { after } = maskPair(object, object, plain)
    expect(after?.metadata.annotations).toEqual({ a: 'b' })
    expect(object.metadata.annotations).toHaveProperty([lastAppliedAnnotation])
  })

  it('of kind Secret in another group is no Secret', () => {
    const { after } = maskPair(undefined, { ...secret({ data: { a: 'seen' } }), apiVersion: 'x.io/v1' }, plain)
    expect(after?.data).toEqual({ a: 'seen' })
  })
})
