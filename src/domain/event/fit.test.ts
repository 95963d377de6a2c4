import { describe, expect, it } from 'vitest'
import { fitJson } from './fit.ts'

const bytes = (text: string | undefined): number => Buffer.byteLength(text ?? '')

describe('what is kept of a value', () => {
  it('is all of it as long as it is small', () => {
    const value = { serviceIDs: ['a', 'b'], message: 'x'.repeat(5000) }
    expect(JSON.parse(fitJson(value) ?? '')).toEqual(value)
  })

  it.each<[what: string, value: object]>([
    ['a long list', { list: Array.from({ length: 10_000 }, (_, at) => `object ${at}`) }],
    ['a long text', { message: 'ä'.repeat(50_000) }],
    [
      'a map of many',
      { result: Object.fromEntries(Array.from({ length: 5000 }, (_, at) => [`w${at}`, { Status: 'success' }])) },
    ],
    ['long texts in a long list', { errors: Array.from({ length: 500 }, () => ({ Error: 'x'.repeat(3000) })) }],
  ])('of %s is its beginning, in at most 8 KB', (_what, value) => {
    const text = fitJson(value)
    expect(bytes(text)).toBeLessThanOrEqual(8 * 1024)
    const [key, kept] = Object.entries(JSON.parse(text ?? '') as object)[0] as [string, object]
    const before = (value as Record<string, object>)[key] as object
    expect(Object.keys(kept).length).toBeGreaterThan(0)
    expect(Object.keys(kept).length).toBeLessThanOrEqual(Object.keys(before).length)
  })

  it.each([
    [14, 95],
    [16, 90],
    [18, 80],
    [100, 95],
  ])('of a release to %i workloads with images of %i letters is some of both its maps', (workloads, letters) => {
    const ids = Array.from({ length: workloads }, (_, at) => `some-namespace:deployment/workload-${at}`)
    const image = (tag: string) => `${'r'.repeat(letters - 4)}:${tag}`
    const container = { Container: 'main', Current: image('1.0'), Target: image('1.1') }
    const result = Object.fromEntries(ids.map((id) => [id, { Status: 'success', PerContainer: [container] }]))
    const ContainerSpecs = Object.fromEntries(ids.map((id) => [id, [container]]))
    const spec = { type: 'containers', cause: { User: 'ann', Message: '' }, spec: { Kind: 'execute', ContainerSpecs } }
    const text = fitJson({ type: 'commit', serviceIDs: ids, metadata: { revision: 'c0ffee', spec, result } })
    expect(bytes(text)).toBeLessThanOrEqual(8 * 1024)
    const { metadata } = JSON.parse(text ?? '') as { metadata: { spec: typeof spec; result: typeof result } }
    const [first = ''] = ids
    expect(metadata).toMatchObject({
      revision: 'c0ffee',
      spec: { ...spec, spec: { Kind: 'execute', ContainerSpecs: { [first]: [container] } } },
      result: { [first]: result[first] },
    })
  })

  it('is an event without its metadata when even the beginnings of that are too much', () => {
    const metadata = Object.fromEntries(Array.from({ length: 15 }, (_, at) => [`${at}${'k'.repeat(1000)}`, 1]))
    const event = { type: 'release', message: 'Released', serviceIDs: ['a:deployment/b'] }
    expect(JSON.parse(fitJson({ ...event, metadata }) ?? '')).toEqual({ ...event, metadata: {} })
  })

  it('is nothing when even the beginnings are too much', () => {
    const value = Object.fromEntries(Array.from({ length: 15 }, (_, at) => [`${at}${'k'.repeat(1000)}`, 1]))
    expect(fitJson(value)).toBeUndefined()
  })
})
