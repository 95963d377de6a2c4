import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { splitDocuments } from './split.ts'

describe('a stream', () => {
  it.each([
    ['one document', 'a: 1\n', ['a: 1\n']],
    ['two', 'a: 1\n---\nb: 2\n', ['a: 1\n', '---\nb: 2\n']],
    ['a marker with a comment or content', '--- # x\na: 1\n--- {b: 2}\n', ['--- # x\na: 1\n', '--- {b: 2}\n']],
    ['Windows line ends', 'a: 1\r\n---\r\nb: 2', ['a: 1\r\n', '---\r\nb: 2']],
    ['nothing but markers, comments and directives', '---\n# x\n%YAML 1.1\n---\n...\n', []],
    ['dashes that are no marker', 'a: |\n  ---\n----\n---x\n', ['a: |\n  ---\n----\n---x\n']],
    ['a marker at the very end', 'a: 1\n---', ['a: 1\n']],
  ])('is cut at its markers: %s', (_, stream, expected) => {
    expect(splitDocuments(stream).map(({ text }) => text)).toEqual(expected)
  })

  it('is cut so that every document stands where its offset says', () => {
    const line = fc.constantFrom('---', '--- a', 'a: 1', '# x', '', '...', '  ---', '%Y')
    fc.assert(
      fc.property(
        fc.array(line).map((lines) => lines.join('\n')),
        (stream) => {
          for (const { text, offset } of splitDocuments(stream)) expect(stream.startsWith(text, offset)).toBe(true)
        },
      ),
    )
  })
})
