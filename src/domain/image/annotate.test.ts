import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AnnotationChange, annotate } from './annotate.ts'
import { openManifests } from './open-manifests.ts'

const key = 'fluxcd.io/locked'

function object(metadata: string): string {
  return `# head\napiVersion: v1\nkind: ConfigMap\n${metadata}\ndata: {a: b} # tail\n`
}

describe('annotate', () => {
  const rows: [why: string, before: string, change: Record<string, string | undefined>, after: string][] = [
    [
      'adds below the name of the map, so that comments stay with their entries',
      'metadata:\n  name: x\n  annotations: # all\n    # who\n    owner: me',
      { [key]: 'true' },
      `metadata:\n  name: x\n  annotations: # all\n    ${key}: 'true'\n    # who\n    owner: me`,
    ],
    [
      'adds a map where there is none',
      'metadata:\n    name: x # the name\n    labels: {a: b}',
      { [key]: 'true' },
      `metadata:\n    annotations:\n      ${key}: 'true'\n    name: x # the name\n    labels: {a: b}`,
    ],
    [
      'fills an empty map',
      'metadata:\n  annotations: {}\n  name: x',
      { a: 'b' },
      'metadata:\n  annotations: {a: b}\n  name: x',
    ],
    [
      'fills a map without entries',
      'metadata:\n  annotations:\n  name: x',
      { a: 'b' },
      'metadata:\n  annotations:\n    a: b\n  name: x',
    ],
    [
      'adds in flow style',
      'metadata: {name: x, annotations: { b: c }}',
      { a: 'x,y' },
      "metadata: {name: x, annotations: { a: 'x,y', b: c }}",
    ],
    ['adds a map in flow style', 'metadata: {name: x}', { a: 'b' }, 'metadata: {annotations: {a: b}, name: x}'],
    ['keeps JSON', 'metadata: {"name": "x"}', { a: 'b"c' }, 'metadata: {"annotations": {"a": "b\\"c"}, "name": "x"}'],
    [
      'replaces with the same quotes',
      "metadata:\n  name: x\n  annotations:\n    a: 'old' # why",
      { a: "it's" },
      "metadata:\n  name: x\n  annotations:\n    a: 'it''s' # why",
    ],
    [
      '… double ones',
      'metadata:\n  name: x\n  annotations: {a: "old"}',
      { a: 'n"w' },
      'metadata:\n  name: x\n  annotations: {a: "n\\"w"}',
    ],
    [
      '… none, as far as it can',
      'metadata:\n  name: x\n  annotations:\n    a: glob:1',
      { a: 'glob:*' },
      'metadata:\n  name: x\n  annotations:\n    a: glob:*',
    ],
    [
      '… and quotes where it must',
      'metadata:\n  name: x\n  annotations:\n    a: old',
      { a: 'true' },
      "metadata:\n  name: x\n  annotations:\n    a: 'true'",
    ],
    [
      'writes = and line breaks',
      'metadata:\n  name: x\n  annotations:\n    b: c',
      { a: 'semver:>=1.0', m: 'two\nlines' },
      'metadata:\n  name: x\n  annotations:\n    m: "two\\nlines"\n    a: semver:>=1.0\n    b: c',
    ],
    [
      'takes away with its line',
      'metadata:\n  name: x\n  annotations:\n    a: b # gone, too\n    # stays\n    c: d',
      { a: undefined },
      'metadata:\n  name: x\n  annotations:\n    # stays\n    c: d',
    ],
    [
      '… the last line',
      'metadata:\n  name: x\n  annotations:\n    a: b\n    c: |\n      long\n      text',
      { c: undefined },
      'metadata:\n  name: x\n  annotations:\n    a: b',
    ],
    [
      'the last one takes the map with it',
      'metadata:\n  name: x\n  annotations:\n    a: b\n  labels: {c: d}',
      { a: undefined },
      'metadata:\n  name: x\n  labels: {c: d}',
    ],
    ['… in flow style', 'metadata: {name: x, annotations: {a: b}}', { a: undefined }, 'metadata: {name: x}'],
    [
      'takes away in flow style',
      'metadata: {name: x, annotations: {a: b, c: d}}',
      { a: undefined },
      'metadata: {name: x, annotations: {c: d}}',
    ],
    [
      '… the last of them',
      'metadata: {name: x, annotations: {a: b, c: d}}',
      { c: undefined },
      'metadata: {name: x, annotations: {a: b}}',
    ],
    [
      'changes nothing that is so already',
      'metadata:\n  name: x\n  annotations:\n    a:   b',
      { a: 'b', c: undefined },
      'metadata:\n  name: x\n  annotations:\n    a:   b',
    ],
    [
      'takes the last of two equal keys',
      'metadata:\n  name: x\n  annotations:\n    a: 1x\n    a: 2x',
      { a: '3x' },
      'metadata:\n  name: x\n  annotations:\n    a: 1x\n    a: 3x',
    ],
  ]
  it.each(rows)('%s', (_, before, change, after) => {
    const changes = Object.entries(change).map(([name, value]) => ({ key: name, value }))
    expect(annotate(object(before), 0, changes)).toEqual({ text: object(after) })
  })

  it('keeps line ends, other documents and the mark at the start', () => {
    const two = (annotations: string) =>
      `\ufeff${object('metadata:\n  name: one')}---\n${object(`metadata:\n${annotations}  name: two`)}`.replaceAll(
        '\n',
        '\r\n',
      )
    expect(annotate(two(''), 1, [{ key: 'a', value: 'b' }])).toEqual({ text: two('  annotations:\n    a: b\n') })
  })

  it('reaches into a list', () => {
    const list = (more: string) =>
      `kind: List\napiVersion: v1\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata:\n${more}    name: x\n`
    expect(annotate(list(''), 0, [{ key: 'a', value: 'b' }])).toEqual({ text: list('    annotations:\n      a: b\n') })
  })

  it.each([
    [
      'an anchor that somebody uses',
      'metadata:\n  name: x\n  annotations: &a\n    b: c\n  labels: *a',
      /used elsewhere/,
    ],
    ['an alias', 'metadata:\n  name: x\n  labels: &a {b: c}\n  annotations: *a', /alias/],
    ['a text over several lines', 'metadata:\n  name: x\n  annotations:\n    a: "b\\\n      c"', /several lines/],
  ])('refuses %s', (_, metadata, why) => {
    expect(annotate(object(metadata), 0, [{ key: 'a', value: 'new' }])).toMatchObject({
      why: expect.stringMatching(why),
    })
  })

  it('is what was asked for, leaves all other bytes, and is undone by its opposite', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9./-]{0,12}$/)
    const value = fc.oneof(
      fc.string({ maxLength: 20 }),
      fc.constantFrom('true', '', 'null', '~', '- a', '# x', 'a: b', "'", '"', '{', '*a', '1.0'),
    )
    const others = fc.array(fc.tuple(fc.stringMatching(/^k[a-z0-9./-]{0,12}$/), fc.stringMatching(/^v[a-z]{1,8}$/)), {
      maxLength: 4,
    })
    fc.assert(
      fc.property(others, name, value, fc.boolean(), (entries, added, text, isFlow) => {
        const map = new Map(entries.filter(([one]) => one !== added))
        const lines = [...map].map(([one, other]) => (isFlow ? `${one}: ${other}` : `    ${one}: ${other} # note\n`))
        const annotations = isFlow ? ` {${lines.join(', ')}}\n` : `\n${lines.join('')}`
        const before = object(
          `metadata:\n  name: x\n${map.size > 0 ? `  annotations:${annotations}` : ''}  labels: {a: b}`,
        )
        const set: AnnotationChange[] = [{ key: added, value: text }]
        const done = annotate(before, 0, set)
        if ('why' in done) throw new Error(done.why)
        expect(openManifests(done.text)[0]?.object.metadata.annotations).toEqual({
          ...Object.fromEntries(map),
          [added]: text,
        })
        expect(annotate(done.text, 0, set)).toEqual(done)
        expect(annotate(done.text, 0, [{ key: added, value: undefined }])).toEqual({ text: before })
      }),
      { numRuns: 400 },
    )
  })
})
