import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makeGlob } from './glob.ts'

describe('makeGlob', () => {
  const rows: [pattern: string, matching: string[], others: string[]][] = [
    ['*', ['', 'a', 'a/b'], []],
    ['', [''], ['a']],
    ['1.*', ['1.', '1.2.3'], ['2.1', '11']],
    ['*-rc', ['-rc', '1-rc'], ['1-rc2', 'rc']],
    ['v*-*-ok', ['v1-2-ok', 'v--ok'], ['v1-ok', 'v-ok', 'v1-2-okay']],
    ['k8s.gcr.io/*', ['k8s.gcr.io/pause', 'k8s.gcr.io/a/b'], ['gcr.io/pause', 'xk8s.gcr.io/pause']],
    ['index.docker.io/*/scope', ['index.docker.io/a/scope', 'index.docker.io/a/b/scope'], ['index.docker.io/scope']],
    ['a*a', ['aa', 'aba'], ['a', 'ab']],
    ['**', ['', 'x'], []],
    ['a?c', ['a?c'], ['abc']],
    ['[ab]', ['[ab]'], ['a']],
    ['Master-*', ['Master-1'], ['master-1']],
    [' a', [' a'], ['a']],
    ['a.c', ['a.c'], ['abc']],
  ]
  it.each(rows)('%j', (pattern, matching, others) => {
    const matches = makeGlob(pattern)
    expect(matching.filter((text) => !matches(text))).toEqual([])
    expect(others.filter((text) => matches(text))).toEqual([])
  })

  it('agrees with the regular expression that says the same', () => {
    const text = fc.stringMatching(/^[ab/.]{0,8}$/)
    const pattern = fc.stringMatching(/^[ab*.]{0,6}$/)
    fc.assert(
      fc.property(pattern, text, (glob, tag) => {
        const expression = glob.replaceAll('.', '[.]').replaceAll(/\*+/g, '.*')
        expect(makeGlob(glob)(tag)).toBe(new RegExp(`^${expression}$`, 's').test(tag))
      }),
      { numRuns: 2000 },
    )
  })

  // who tries each way for each star does not end at all
  it('ends for a pattern made to be slow', () => {
    const matches = makeGlob(`${'a*'.repeat(127)}b`)
    for (let round = 0; round < 100; round++) expect(matches('a'.repeat(128))).toBe(false)
  })
})
