import { describe, expect, it } from 'vitest'
import { inPortions } from './portions.ts'
import { splitDocuments } from './split.ts'

describe('what a program printed', () => {
  it.each([[''], ['a: 1\n'], ['---\na: 1\n---\nb: 2\n']])('stays one text when it is small: %j', (text) => {
    expect(inPortions(text)).toEqual([text])
  })

  it.each([
    ['many documents', Array.from({ length: 7_000 }, (_, at) => `a: ${at}\n`)],
    ['big documents', Array.from({ length: 9 }, (_, at) => `a: ${at}\nb: |\n  ${'ü'.repeat(400_000)}\n`)],
    ['one huge document', ['a: 1\n', `b: ${'x'.repeat(3_000_000)}\n`, 'c: 1\n']],
  ])('with %s is cut between them and nothing is lost', (_, documents) => {
    const text = documents.join('---\n')
    const portions = inPortions(text)
    expect(portions.length).toBeGreaterThan(1)
    expect(portions.join('')).toBe(text)
    expect(portions.flatMap(splitDocuments)).toHaveLength(documents.length)
    for (const portion of portions) {
      const parts = splitDocuments(portion)
      expect(parts.length).toBeLessThanOrEqual(2_000)
      if (parts.length > 1) expect(portion.length).toBeLessThanOrEqual(1024 * 1024)
    }
  })
})
