import * as fc from 'fast-check'
import { type Document, isCollection, isPair, parseAllDocuments } from 'yaml'
import { describe, expect, it } from 'vitest'
import { manifestYaml } from './go-yaml.ts'
import { isTooDeep, maxDepth } from './prescan.ts'

/** How deep the parser really nested. */
function depthOf(node: unknown): number {
  if (isPair(node)) return Math.max(depthOf(node.key), depthOf(node.value))
  if (!isCollection(node)) return 0
  return 1 + node.items.reduce<number>((deepest, item) => Math.max(deepest, depthOf(item)), 0)
}

function parsedDepth(text: string): number {
  const documents = parseAllDocuments(text, manifestYaml) as Document[]
  return Math.max(0, ...documents.map(({ contents }) => depthOf(contents)))
}

describe('a document that nests too deep', () => {
  it.each([
    ['sequences in brackets', '['.repeat(5_000)],
    ['mappings in braces', '{a: '.repeat(5_000)],
    ['compact sequences', '- '.repeat(5_000)],
    ['compact keys', '? '.repeat(5_000)],
    ['keys on one line', 'a: '.repeat(5_000)],
    ['keys on one line, again and again', 'a: a: a: a: a:\n'.repeat(100)],
    ['indentation', Array.from({ length: 500 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
    ['sequences by indentation', Array.from({ length: 500 }, (_, i) => `${' '.repeat(i)}-`).join('\n')],
    ['brackets behind a text that looks like a block', `{a: "x: |\n  y", b: ${'['.repeat(5_000)}`],
    ['a very long line', '- '.repeat(2_000_000)],
  ])('is refused: %s', (_, text) => {
    expect(isTooDeep(text)).toBe(true)
  })
})

describe('a document that does not', () => {
  it.each([
    ['a dashboard in a block', `data:\n  x: |\n${'    {"a": [{"b": [1]}]}\n'.repeat(1_000)}`],
    ['brackets in quotes', `a: "${'['.repeat(1_000)}"\nb: '${'{'.repeat(1_000)}'\n`],
    ['many lists beside each other', 'a: [1, 2]\n'.repeat(1_000)],
    ['colons in a text', `a: |\n${'  b: c: d: e\n'.repeat(1_000)}`],
    ['a rule of dashes in a block', `a: |\n  ${'- '.repeat(100)}\n`],
    ['sequences as deep as is allowed', `${'['.repeat(31)}${']'.repeat(31)}`],
    ['mappings as deep as is allowed', `${'{a: '.repeat(63)}${'}'.repeat(63)}`],
  ])('is let through: %s', (_, text) => {
    expect(isTooDeep(text)).toBe(false)
  })
})

describe('no text that is let through', () => {
  const pieces = [
    '[',
    ']',
    '{',
    '}',
    '- ',
    '? ',
    ': ',
    'a: ',
    'a',
    '"',
    "'",
    '|',
    '>',
    '\n',
    '\n  ',
    '\n    ',
    ' ',
    '\t',
    ',',
  ]
  const more = [
    '#',
    ' #',
    '&a ',
    '*a',
    '!t ',
    '---\n',
    '...\n',
    '%',
    '\\',
    '- - ',
    '[[[[',
    '{a: {a: ',
    ']]',
    '"\n',
    '|\n',
    '|2\n   ',
  ]
  const piece = fc.constantFrom(...pieces, ...more, '\r\n')
  const repeated = fc
    .tuple(fc.array(piece, { maxLength: 6 }), fc.integer({ min: 1, max: 90 }))
    .map(([parts, times]) => parts.join('').repeat(times))
  const text = fc.array(fc.oneof(piece, repeated), { maxLength: 12 }).map((parts) => parts.join(''))

  it('makes the parser nest deeper than the limit', () => {
    fc.assert(
      fc.property(text, (document) => {
        if (!isTooDeep(document)) expect(parsedDepth(document)).toBeLessThanOrEqual(maxDepth)
      }),
      { numRuns: 2_000 },
    )
  })
})
