import { describe, expect, it } from 'vitest'
import { finishPatch, withoutDirectives } from './patch-directives.ts'

describe('directives of a patch', () => {
  it('are taken out at every depth, and nothing else is', () => {
    const patch = {
      a: { $retainKeys: ['x'], x: 1, $patch: 'replace' },
      list: [{ name: 'n', '$setElementOrder/ports': [{ port: 1 }], '$deleteFromPrimitiveList/args': ['v'] }],
      gone: null,
    }
    expect(withoutDirectives(patch)).toEqual({ a: { x: 1, $patch: 'replace' }, list: [{ name: 'n' }], gone: null })
  })

  it.each([
    [
      '$setElementOrder orders a merged list, others after it',
      { c: [{ name: 'b', i: 2 }, { name: 'x' }, { name: 'a' }] },
      { '$setElementOrder/c': [{ name: 'a' }, { name: 'b' }], c: [{ name: 'b', i: 2 }] },
      { c: [{ name: 'a' }, { name: 'b' }, { name: 'x' }] },
      { c: [{ name: 'a' }, { name: 'b', i: 2 }, { name: 'x' }] },
    ],
    [
      '$setElementOrder orders texts too',
      { f: ['b', 'a'] },
      { '$setElementOrder/f': ['a', 'b'], f: ['b'] },
      { f: ['a'] },
      { f: ['a', 'b'] },
    ],
    [
      '$deleteFromPrimitiveList takes texts away',
      { f: ['a', 'b', 'c'] },
      { '$deleteFromPrimitiveList/f': ['b'] },
      { f: ['a', 'b', 'c'] },
      { f: ['a', 'c'] },
    ],
    [
      '$retainKeys leaves only these',
      { s: { type: 'Recreate', rollingUpdate: { maxSurge: 1 } } },
      { s: { $retainKeys: ['type'], type: 'Recreate' } },
      { s: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } },
      { s: { type: 'Recreate' } },
    ],
    [
      '$retainKeys counts inside an item of a list',
      { v: [{ name: 'x', emptyDir: {}, configMap: { name: 'm' } }] },
      {
        v: [{ name: 'x', $retainKeys: ['name', 'configMap'], configMap: { name: 'm' } }],
        '$setElementOrder/v': [{ name: 'x' }],
      },
      { v: [{ name: 'x', emptyDir: {} }] },
      { v: [{ name: 'x', configMap: { name: 'm' } }] },
    ],
    [
      'without any, a merged list keeps the order that it had',
      { c: [{ name: 'b', i: 2 }, { name: 'new' }, { name: 'a' }] },
      { c: [{ name: 'b', i: 2 }, { name: 'new' }] },
      { c: [{ name: 'a' }, { name: 'b' }] },
      { c: [{ name: 'a' }, { name: 'b', i: 2 }, { name: 'new' }] },
    ],
    [
      'without any, a replaced list stays as it is',
      { c: [{ name: 'b' }, { name: 'a' }] },
      { c: [{ name: 'b' }, { name: 'a' }] },
      { c: [{ name: 'a' }, { name: 'b' }] },
      { c: [{ name: 'b' }, { name: 'a' }] },
    ],
  ])('%s', (...[, result, patch, original, expected]) => {
    expect(finishPatch(result, patch, original)).toEqual(expected)
  })
})
