import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { partWildcard, starWildcard } from './wildcard.ts'

describe('a star wildcard', () => {
  it.each([
    ['v1/Event', 'v1/Event', true],
    ['v1/Event', 'v1/Events', false],
    ['*metrics.k8s.io/*', 'custom.metrics.k8s.io/v1beta1/', true],
    ['*metrics.k8s.io/*', 'metrics.k8s.io.evil', false],
    ['*', '', true],
    ['a**b', 'ab', true],
    ['a*b*c', 'a/b/b/c', true],
    ['a?', 'ab', false],
    ['[a]', 'a', false],
  ])('%s of %s: %s', (pattern, text, expected) => {
    expect(starWildcard(pattern)(text)).toBe(expected)
  })

  it('matches whatever stands for its stars, and nothing shorter than the rest', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 5 }), { minLength: 1, maxLength: 5 }),
        fc.string(),
        (parts, filling) => {
          const texts = parts.map((part) => part.replaceAll('*', ''))
          expect(starWildcard(texts.join('*'))(texts.join(filling))).toBe(
            texts.length > 1 || texts[0] === texts.join(filling),
          )
        },
      ),
    )
  })

  // who tries each way for each star does not end at all
  it('ends for a pattern made to be slow', () => {
    expect(starWildcard(`${'*a'.repeat(500)}b`)('a'.repeat(4000))).toBe(false)
  })
})

describe('a part of a gitignore pattern', () => {
  it.each([
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['?', '😀', true],
    ['[a-c]x', 'bx', true],
    ['[a-c]x', 'dx', false],
    ['[!a-c]x', 'dx', true],
    ['[^a-c]x', 'bx', false],
    ['[]a]', ']', true],
    ['[a-]', '-', true],
    ['[[:digit:]]', '7', true],
    ['[[:digit:]]', 'x', false],
    ['[\\]]', ']', true],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['[a', '[a', false],
    ['a\\', 'a\\', false],
    ['*.y?ml', 'x.yaml', true],
  ])('%s of %s: %s', (pattern, text, expected) => {
    expect(partWildcard(pattern)(text)).toBe(expected)
  })

  it('never fails', () => {
    const odd = fc.string({ unit: fc.constantFrom('[', ']', '!', '-', ':', '\\', '*', '?', 'a', '^') })
    fc.assert(fc.property(odd, odd, (pattern, text) => typeof partWildcard(pattern)(text) === 'boolean'))
  })
})
