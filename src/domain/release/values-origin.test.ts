import { describe, expect, it } from 'vitest'
import { explainValues, type ValuesLayer } from './values-origin.ts'

const layer = (source: string, values: Record<string, unknown>, isSecret = false): ValuesLayer => ({
  source,
  isSecret,
  values,
})

function lines(...layers: ValuesLayer[]): string[] {
  return explainValues(layers).map(
    ({ path, value, source, over }) => `${path}=${value} (${[source, ...over].join(' < ')})`,
  )
}

describe('explainValues', () => {
  it.each<[string, ValuesLayer[], string[]]>([
    ['nothing', [layer('a', {})], []],
    ['values of two sources', [layer('a', { x: 1 }), layer('b', { y: 'z' })], ['x=1 (a)', 'y="z" (b)']],
    ['a later source that wins', [layer('a', { x: 1 }), layer('b', { x: 2 })], ['x=2 (b < a)']],
    [
      'maps that are merged',
      [layer('a', { image: { tag: '1', name: 'n' } }), layer('b', { image: { tag: '2' } })],
      ['image.name="n" (a)', 'image.tag="2" (b < a)'],
    ],
    ['a list, which is replaced whole', [layer('a', { x: [1, 2] }), layer('b', { x: [3] })], ['x=[3] (b < a)']],
    [
      'a null, which deletes a default',
      [layer('a', { x: { y: 1, z: 2 } }), layer('b', { x: null })],
      ['x=null (b < a)'],
    ],
    ['a map over something else', [layer('a', { x: 1 }), layer('b', { x: { y: 2 } })], ['x.y=2 (b)']],
    ['an empty map over a map', [layer('a', { x: { y: 1 } }), layer('b', { x: {} })], ['x.y=1 (a)']],
    ['an empty map alone', [layer('a', { x: {} })], ['x={} (a)']],
    ['a secret', [layer('s', { password: 'hunter2' }, true)], ['password=***** (s)']],
    ['a secret that was replaced', [layer('s', { x: 'hunter2' }, true), layer('b', { x: 1 })], ['x=1 (b < s)']],
    ['dots in keys', [layer('a', { 'a.b': { c: 1 } })], ['a\\.b.c=1 (a)']],
  ])('%s', (_what, layers, expected) => {
    expect(lines(...layers)).toEqual(expected)
  })

  it('cuts what nobody reads', () => {
    expect(explainValues([layer('a', { x: 'y'.repeat(500) })])[0]?.value).toMatch(/… \(502 characters\)$/)
  })
})
