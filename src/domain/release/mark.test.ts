import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { parseManifests } from '../manifest/parse.ts'
import { markManifests } from './mark.ts'

const pair = { key: 'helm.fluxcd.io/antecedent', value: 'shop:helmrelease/web' }
const said = 'helm.fluxcd.io/antecedent: "shop:helmrelease/web"'
const mark = (text: string) => markManifests(text, pair)
const objects = (text: string) => parseManifests({ file: '', text }).objects.map(({ object }) => object)

describe('an annotation on each object of a text', () => {
  it.each([
    [
      'metadata without annotations',
      'kind: A\nmetadata:\n  name: x\n',
      `kind: A\nmetadata:\n  annotations:\n    ${said}\n  name: x\n`,
    ],
    [
      'annotations',
      'kind: A\nmetadata:\n  name: x\n  annotations:\n      b: c\n',
      `kind: A\nmetadata:\n  name: x\n  annotations:\n      ${said}\n      b: c\n`,
    ],
    [
      'comments',
      'kind: A\nmetadata: # m\n  # n\n  name: x # x\n',
      `kind: A\nmetadata: # m\n  # n\n  annotations:\n    ${said}\n  name: x # x\n`,
    ],
    [
      'annotations that hold nothing',
      'kind: A\nmetadata:\n  annotations: # none\n  name: x\n',
      `kind: A\nmetadata:\n  annotations: {${said}} # none\n  name: x\n`,
    ],
    [
      'annotations that hold nothing, at the end',
      'kind: A\nmetadata:\n  name: x\n  annotations:',
      `kind: A\nmetadata:\n  name: x\n  annotations: {${said}}`,
    ],
    ['braces', "kind: A\nmetadata: {name: 'x'}\n", `kind: A\nmetadata: {annotations: {${said}}, name: 'x'}\n`],
    [
      'braces with annotations',
      'kind: A\nmetadata: {name: x, annotations: {b: c}}\n',
      `kind: A\nmetadata: {name: x, annotations: {${said}, b: c}}\n`,
    ],
    [
      'empty braces',
      'kind: A\nmetadata:\n  annotations: { }\n  name: x\n',
      `kind: A\nmetadata:\n  annotations: {${said} }\n  name: x\n`,
    ],
    [
      'JSON',
      '{"kind": "A", "metadata": {"name": "x"}}',
      `{"kind": "A", "metadata": {annotations: {${said}}, "name": "x"}}`,
    ],
    [
      'keys in quotes',
      'kind: "A"\n"metadata":\n  \'name\': x\n',
      `kind: "A"\n"metadata":\n  annotations:\n    ${said}\n  'name': x\n`,
    ],
    [
      'line ends of Windows',
      'kind: A\r\nmetadata:\r\n  name: x\r\n',
      `kind: A\r\nmetadata:\r\n  annotations:\n    ${said}\n  name: x\r\n`,
    ],
    [
      'a text that looks like metadata',
      'data: |\n metadata:\n  name: y\nkind: A\nmetadata:\n  name: x\n',
      `data: |\n metadata:\n  name: y\nkind: A\nmetadata:\n  annotations:\n    ${said}\n  name: x\n`,
    ],
  ])('goes into %s', (_, text, marked) => {
    expect(mark(text)).toEqual({ text: marked, isWhole: true })
    const [object] = objects(`apiVersion: v1\n${text}`.replace(/^apiVersion: v1\n\{/, '{"apiVersion": "v1", '))
    const [after] = objects(`apiVersion: v1\n${marked}`.replace(/^apiVersion: v1\n\{/, '{"apiVersion": "v1", '))
    expect(after).toEqual({
      ...object,
      metadata: { ...object?.metadata, annotations: { ...object?.metadata.annotations, [pair.key]: pair.value } },
    })
  })

  it.each([
    ['a list', 'kind: List\nmetadata: {}\nitems: [{kind: A, metadata: {name: x}}]\n'],
    ['metadata with an anchor', 'kind: A\nmetadata: &m\n  name: x\n'],
    ['metadata that is an alias', 'a: &m {name: x}\nkind: A\nmetadata: *m\n'],
    ['annotations with an anchor', 'kind: A\nmetadata:\n  name: x\n  annotations: &a\n    b: c\n'],
    ['annotations that are an alias', 'kind: A\nmetadata: {labels: &l {a: b}, annotations: *l}\n'],
    ['merged metadata', 'a: &m {annotations: {b: c}}\nkind: A\nmetadata:\n  <<: *m\n  name: x\n'],
    ['a first key with an anchor', 'kind: A\nmetadata:\n  &k name: x\n'],
    ['a first key with a question mark', 'kind: A\nmetadata:\n  ? name\n  : x\n'],
    ['annotations that are null', 'kind: A\nmetadata:\n  annotations: null\n  name: x\n'],
    ['metadata twice', 'kind: A\nmetadata: {name: x}\nmetadata: {name: y}\n'],
    ['annotations twice', 'kind: A\nmetadata:\n  annotations: {a: b}\n  annotations: {c: d}\n'],
    ['no metadata', 'kind: A\n'],
    ['no kind', 'metadata: {name: x}\n'],
    ['the annotation already', `kind: A\nmetadata:\n  annotations:\n    ${said}\n`],
    ['another one of its name', "kind: A\nmetadata:\n  annotations:\n    'helm.fluxcd.io/antecedent': other\n"],
    ['what is no object', '- a\n'],
    ['an object that kubectl takes for a list', 'kind: A\nmetadata: {name: x}\nitems: []\n'],
    ['a merged root', 'a: &b {metadata: {name: y}}\nkind: A\nmetadata: {name: x}\n<<: *b\n'],
    ['merged annotations', 'a: &b {c: d}\nkind: A\nmetadata: {name: x, annotations: {<<: *b}}\n'],
    ['a key that is an alias', 'kind: A\nmetadata:\n  labels: {k: &k annotations}\n  *k : {a: b}\n  name: x\n'],
    ['a key with a tag', 'kind: A\nmetadata:\n  name: x\n  !!binary YW5ub3RhdGlvbnM=: {a: b}\n'],
    ['annotations that end the braces', 'kind: A\nmetadata: {name: x, annotations:}\n'],
    ['a line end that only Go knows', 'kind: A\nmetadata:\n  name: x # a\u2028  annotations: {b: c}\n'],
    [
      'a text in quotes that goes on at the margin',
      'kind: A\nmetadata: {name: x}\ndata:\n  q: "select a\n, b\nfrom t"\n',
    ],
    ['braces that go on at the margin', 'kind: A\nmetadata: {name: x}\ndata: {a: b\n, c: d}\n'],
    ['metadata whose braces go on at the margin', 'kind: A\nmetadata: {\nname: x}\n'],
    ['an object inside a text', 'spec:\n  t: "a\nkind: C\nmetadata:\n  name: z\n"\nkind: D\n'],
    [
      'labels whose text ends at the margin',
      'kind: A\nmetadata:\n  labels:\n    a: "b\nc"\n  annotations: {b: c}\n  name: x\n',
    ],
  ])('leaves %s alone, and says so', (_, text) => {
    expect(mark(text)).toEqual({ text, isWhole: false })
  })

  it('goes into each of several documents, past those that hold nothing', () => {
    const text = '---\n# Source: a\nkind: A\nmetadata:\n  name: x\n---\n# nothing\n---\nkind: B\nmetadata: {name: y}\n'
    expect(mark(text)).toEqual({
      text: `---\n# Source: a\nkind: A\nmetadata:\n  annotations:\n    ${said}\n  name: x\n---\n# nothing\n---\nkind: B\nmetadata: {annotations: {${said}}, name: y}\n`,
      isWhole: true,
    })
    expect(mark('')).toEqual({ text: '', isWhole: true })
    expect(mark(`${text}---\nkind: List\n`).isWhole).toBe(false)
  })

  it('does not go into a text of more than 256 KiB', () => {
    const text = `kind: A\nmetadata: {name: x}\ndata: {a: ${'x'.repeat(256 * 1024)}}\n`
    expect(mark(text)).toEqual({ text, isWhole: false })
  })

  it('never throws', () => {
    const pieces = [
      'kind: A\n',
      'metadata:',
      ' {',
      '}',
      '  name: x\n',
      '"',
      "'",
      '\n',
      '---\n',
      '&a ',
      '*a',
      '<<: ',
      ': ',
      '? ',
      '- ',
      '|\n',
      '#',
      ',',
      '[',
      ']',
      '\t',
      'annotations:',
    ]
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 25 }), (parts) => {
        expect(typeof mark(parts.join('')).text).toBe('string')
      }),
      { numRuns: 2_000 },
    )
  })

  it('is all that an object gains, however it is written', () => {
    // a text with one of the other line ends is left as it is
    const texts = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => !/[\r\u0085\u2028\u2029]/.test(text))
    const maps = fc.dictionary(fc.stringMatching(/^[a-z][a-z./-]{0,8}$/), texts, { maxKeys: 3 })
    const made = fc.record({
      data: fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.oneof(texts, fc.lorem({ maxCount: 30 })), {
        maxKeys: 3,
      }),
      metadata: fc.record({ name: fc.constant('x'), annotations: maps, labels: maps }, { requiredKeys: ['name'] }),
    })
    const style = fc.record({
      indent: fc.integer({ min: 1, max: 6 }),
      lineWidth: fc.constantFrom(0, 20, 80),
      collectionStyle: fc.constantFrom('any' as const, 'block' as const, 'flow' as const),
      defaultStringType: fc.constantFrom(
        'PLAIN' as const,
        'QUOTE_SINGLE' as const,
        'QUOTE_DOUBLE' as const,
        'BLOCK_LITERAL' as const,
      ),
      defaultKeyType: fc.constantFrom('PLAIN' as const, 'QUOTE_DOUBLE' as const),
    })
    fc.assert(
      fc.property(fc.array(made, { maxLength: 3 }), style, (list, options) => {
        const text = list
          .map((one) => `---\n${stringify({ apiVersion: 'v1', kind: 'ConfigMap', ...one }, options)}`)
          .join('')
        const marked = mark(text)
        expect(marked.isWhole).toBe(true)
        expect(objects(marked.text)).toEqual(
          objects(text).map((object) => ({
            ...object,
            metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, [pair.key]: pair.value } },
          })),
        )
      }),
    )
  })
})
