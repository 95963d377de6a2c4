import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../manifest/object.ts'
import { diffObjects } from './diff.ts'

const plain = (text: string) => text

function config(data: Record<string, unknown>): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'web' }, data }
}

describe('the diff of an object', () => {
  it('is empty where nothing differs', () => {
    expect(diffObjects(config({ a: '1' }), config({ a: '1' }), plain)).toBe('')
  })

  it('shows what changes with three lines around it', () => {
    const letters = Object.fromEntries(Array.from('abcdefgh', (letter) => [letter, letter]))
    expect(diffObjects(config(letters), config({ ...letters, e: 'E' }), plain).split('\n')).toEqual([
      '@@ -7,7 +7,7 @@',
      '   b: b',
      '   c: c',
      '   d: d',
      '-  e: e',
      '+  e: E',
      '   f: f',
      '   g: g',
      '   h: h',
    ])
  })

  it('of one that is made shows all of it', () => {
    const lines = diffObjects(undefined, config({ a: '1', big: 2n ** 60n }), plain).split('\n')
    expect(lines[0]).toBe('@@ -1,0 +1,7 @@')
    expect(lines.slice(1).every((line) => line.startsWith('+'))).toBe(true)
    expect(lines).toContain('+  big: 1152921504606846976')
  })

  it('is at most 200 lines', () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`k${at}`, 'x']))
    const lines = diffObjects(undefined, config(many), plain).split('\n')
    expect(lines).toHaveLength(200)
    expect(lines.at(-1)).toBe('(307 more lines)')
  })

  it('cuts long lines', () => {
    const diff = diffObjects(config({ a: 'x'.repeat(10_000) }), config({ a: 'y'.repeat(10_000) }), plain)
    expect(diff.length).toBeLessThan(2000)
    expect(diff).toContain('… (10006 characters)')
  })

  it('gives up on texts that have nothing in common', () => {
    const lines = (letter: string) => Array.from({ length: 5000 }, (_, at) => `${letter}${at}`)
    const [before, after] = [config({ list: lines('a') }), config({ list: lines('b') })]
    expect(diffObjects(before, after, plain)).toBe('(5006 lines become 5006 others)')
  })
})
