import { describe, expect, it } from 'vitest'
import { parseManifests } from './parse.ts'

const configMap = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n`

function parse(text: string | Uint8Array) {
  return parseManifests({ file: 'a.yaml', text })
}

function problems(text: string | Uint8Array): string[] {
  return parse(text).problems.map(({ line, message }) => `${line}: ${message}`)
}

describe('what a file holds', () => {
  it('is every document with a kind, with the line where it begins', () => {
    const { objects, problems: wrong } = parse(`# first\n${configMap('a')}---\n\n${configMap('b')}`)
    expect(objects.map(({ object, line, file }) => [object.metadata.name, line, file])).toEqual([
      ['a', 2, 'a.yaml'],
      ['b', 8, 'a.yaml'],
    ])
    expect(wrong).toEqual([])
  })

  it.each([
    ['an empty file', ''],
    ['comments', '# nothing\n---\n# here\n'],
    ['markers', '---\n---\n...\n---\n'],
    ['a directive without a document', '%YAML 1.1\n---\n'],
    ['a document without a kind', 'a: 1\n'],
    ['a kustomization patch list without a kind', 'resources: [a.yaml]\n'],
    [
      'a kustomization with its kind',
      'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n',
    ],
    ['a null', '~\n'],
  ])('is nothing in %s', (_, text) => {
    expect(parse(text)).toEqual({ objects: [], problems: [], warnings: [] })
  })

  it('survives a byte order mark, Windows line ends and content on the marker line', () => {
    const text = `\ufeff${configMap('a')}---\n${configMap('b')}`.replaceAll('\n', '\r\n')
    expect(parse(text).objects.map(({ line }) => line)).toEqual([1, 6])
    expect(parse('--- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n').objects).toHaveLength(1)
  })

  it('does not end at dashes inside a text', () => {
    const { objects } = parse(`${configMap('a')}data:\n  x: |\n    ---\n    b\n  z: "a\n    --- b"\n`)
    expect(objects[0]?.object.data).toEqual({ x: '---\nb\n', z: 'a --- b' })
  })

  it('is the items of a list, also of a kind that only ends so', () => {
    const items = `items:\n- {apiVersion: v1, kind: Secret, metadata: {name: a}}\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: b}\n`
    for (const kind of ['List', 'SecretList', 'WishList']) {
      const { objects } = parse(`apiVersion: v1\nkind: ${kind}\n${items}`)
      expect(objects.map(({ object, line }) => [object.metadata.name, line])).toEqual([
        ['a', 4],
        ['b', 5],
      ])
    }
  })

  it.each([
    ['an object whose kind merely ends in List is one', 'apiVersion: x/v1\nkind: AllowList\nmetadata: {name: a}\n', 1],
    ['a list whose items are empty vanishes', 'apiVersion: v1\nkind: List\nitems: []\n', 0],
    ['so does one whose items are null', 'apiVersion: v1\nkind: SecretList\nitems:\n', 0],
    ['so does one without items', 'apiVersion: v1\nkind: List\nmetadata: {name: a}\n', 0],
    ['so does an empty one inside another', 'apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: List}]\n', 0],
    ['kustomize’s own file is passed over', 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n', 0],
    ['also without an apiVersion', 'kind: Kustomization\nresources: [a.yaml]\n', 0],
    [
      'a name with an @ is one where users are named',
      'apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: a@b.c}\n',
      1,
    ],
    [
      'a name with colons is one',
      'apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: "system:x:y"}\n',
      1,
    ],
    ['an object whose kind is empty is none', 'apiVersion: v1\nkind:\nmetadata: {name: a}\n', 0],
  ])('%s', (_, text, count) => {
    expect(problems(text)).toEqual([])
    expect(parse(text).objects).toHaveLength(count)
  })
})

describe('an object that only kubectl would refuse', () => {
  const meta = (lines: string) => `apiVersion: v1\nkind: Secret\nmetadata:\n${lines}`

  it.each([
    ['has an annotation that is no text', meta('  name: a\n  annotations: {x: true}\n'), '<cluster>:secret/a', 'a'],
    ['has a label that is a number', meta('  name: a\n  namespace: b\n  labels: {v: 1.0}\n'), 'b:secret/a', 'a'],
    ['has a number for a name, as it is written', meta('  name: 0123\n  namespace: b\n'), 'b:secret/0123', '0123'],
    ['has a number for a namespace', meta('  name: a\n  namespace: 1e3\n'), '1e3:secret/a', 'a'],
    ['has a name that deceives the eye', meta('  name: "a/\\u202eb"\n'), '<cluster>:secret/a??b', 'a/\u202eb'],
    ['leaves its name to the API server', meta('  generateName: a-\n  namespace: b\n'), 'b:secret/a-*', ''],
  ])('is known where it %s', (_, text, id, name) => {
    expect(parse(text)).toMatchObject({ objects: [], problems: [{ id, object: { kind: 'Secret', name } }] })
  })

  it.each([
    ['its kind', 'apiVersion: v1\nkind: 3\nmetadata: {name: a, labels: {x: 1}}\n'],
    ['its group', 'kind: Secret\nmetadata: {name: a, labels: {x: 1}}\n'],
    ['its name', meta('  labels: {x: 1}\n')],
    ['its name for a template', meta('  name: {{ x }}\n')],
    ['its namespace for a template', meta('  name: a\n  namespace: {{ x }}\n')],
  ])('is not where nobody can read %s', (_, text) => {
    const { problems: found } = parse(text)
    expect(found).toHaveLength(1)
    expect(found[0]).not.toHaveProperty('object')
  })
})

describe('a broken part', () => {
  it('does not take the rest of the file with it', () => {
    const { objects, problems: wrong } = parse(
      `${configMap('a')}---\nkind: [\n---\n${configMap('b')}---\na: "x\n---\n${configMap('c')}`,
    )
    expect(objects.map(({ object }) => object.metadata.name)).toEqual(['a', 'b', 'c'])
    expect(wrong.map(({ reason, line }) => [reason, line])).toEqual([
      ['InvalidYAML', 7],
      ['InvalidYAML', 14],
    ])
  })

  it.each([
    ['a list for an object', '- a\n', '1: not a Kubernetes object: a mapping was expected'],
    ['no apiVersion', 'kind: A\nmetadata: {name: a}\n', '1: A: apiVersion is missing or not of the form group/version'],
    ['a kind that is no text', 'apiVersion: v1\nkind: 3\nmetadata: {name: a}\n', '2: kind is missing or not a text'],
    ['no metadata', 'apiVersion: v1\nkind: A\n', '1: A: metadata is missing'],
    ['no name', 'apiVersion: v1\nkind: A\nmetadata:\n  labels: {}\n', '3: A: metadata.name is missing'],
    [
      'a number for a name',
      'apiVersion: v1\nkind: A\nmetadata:\n  name: 1\n',
      '4: A: metadata.name is a number, put it in quotes',
    ],
    [
      'a path for a name',
      'apiVersion: v1\nkind: A\nmetadata:\n  name: a/b\n',
      '4: A: metadata.name is not a valid name',
    ],
    [
      'a name that could not be read back out of an ID',
      'apiVersion: v1\nkind: A\nmetadata:\n  name: a@b\n',
      "4: A: metadata.name 'a@b' holds characters that no name has",
    ],
    ['items that are no list', 'apiVersion: v1\nkind: List\nitems: {a: b}\n', '3: the items of List are not a list'],
    [
      'a namespace with dots',
      `${configMap('a')}  namespace: a.b\n`,
      '5: ConfigMap/a: metadata.namespace is not a valid name',
    ],
    [
      'a generated name',
      'apiVersion: v1\nkind: A\nmetadata:\n  generateName: a\n',
      '3: A: metadata.generateName cannot be synced, give metadata.name',
    ],
    [
      'a namespace that is no name',
      `${configMap('a')}  namespace: A_b\n`,
      '5: ConfigMap/a: metadata.namespace is not a valid name',
    ],
    [
      'a boolean annotation',
      `${configMap('a')}  annotations:\n    x: z\n    fluxcd.io/automated: true\n`,
      "7: ConfigMap/a: the value of annotation 'fluxcd.io/automated' is a boolean and must be a text, put it in quotes",
    ],
    [
      'a number for a label',
      `${configMap('a')}  labels:\n    build: 7\n`,
      "6: ConfigMap/a: the value of label 'build' is a number and must be a text, put it in quotes",
    ],
    [
      'a list item that is no object',
      'apiVersion: v1\nkind: List\nitems:\n- a\n',
      '4: item 1 of List is not an object',
    ],
    ['a list item without a kind', 'apiVersion: v1\nkind: List\nitems:\n- a: 1\n', '4: kind is missing or not a text'],
    ['infinity', `${configMap('a')}x: .inf\n`, '5: a number that JSON cannot hold'],
    ['a mapping as a key', `${configMap('a')}? {a: 1}\n: b\n`, '5: a key must be a text'],
    [
      'an unknown alias',
      `${configMap('a')}x: *nope\n`,
      '5: an alias (*) has no anchor before it; a text that begins so needs quotes',
    ],
    ['a cycle', `${configMap('a')}x: &a\n  y: *a\n`, '6: an alias (*) contains itself'],
    [
      'a control character',
      `${configMap('a')}x: "\u0007"\n`,
      '5: the file holds control characters, which YAML forbids',
    ],
    ['a NUL', 'a\n\0', '2: the file holds control characters, which YAML forbids'],
  ])('is named with its line: %s', (_, text, expected) => {
    expect(problems(text)).toEqual([expected])
    expect(parse(text).objects).toEqual([])
  })

  it('never quotes the text around it', () => {
    for (const text of [
      'kind: Secret\ndata: "hunter2\\q"\n',
      'kind: Secret\n hunter2: x\nhunter2\n',
      'kind: {hunter2, ]\n',
      'kind: Secret\npassword: *hunter2\n',
      'kind: Secret\npassword: !hun!ter2 x\n',
      'kind: Secret\npassword: !hunter2 x\n',
      '%hunter2\n---\nkind: !!hunter2 Secret\n',
    ]) {
      expect(problems(text)).not.toEqual([])
      expect(problems(text).join()).not.toContain('hunter2')
    }
  })

  it('of bytes is refused, good bytes are read', () => {
    expect(problems(new Uint8Array([0x61, 0xff]))).toEqual(['0: the file is not valid UTF-8'])
    expect(parse(new TextEncoder().encode(`${configMap('a')}data: {x: ä}`)).objects[0]?.object.data).toEqual({ x: 'ä' })
  })
})

describe('what is odd but read', () => {
  it('is a key given twice: the last counts, with a warning', () => {
    const { objects, warnings, problems: wrong } = parse(`${configMap('a')}data:\n  x: "1"\n  z: "2"\n  x: "3"\n`)
    expect(objects[0]?.object.data).toEqual({ x: '3', z: '2' })
    expect(warnings).toEqual([
      { reason: 'InvalidYAML', file: 'a.yaml', line: 8, message: "key 'x' is given twice; the last one counts" },
    ])
    expect(wrong).toEqual([])
  })

  it('is nothing where a text or a map may stand', () => {
    const { objects } = parse(`${configMap('a')}  namespace:\n  labels:\n  annotations:\n    x:\n`)
    expect(objects[0]?.object.metadata).toEqual({ name: 'a', annotations: { x: '' } })
  })

  it("is a merge key, in Go's order", () => {
    const { objects } = parse(
      `${configMap('a')}base: &base {x: 1, w: 2}\nafter: {<<: *base, x: 3}\nbefore: {x: 3, <<: *base}\nboth: {<<: [{x: 1}, {x: 2, z: 3}]}\nquoted: {"<<": 1}\n`,
    )
    expect(objects[0]?.object).toMatchObject({
      after: { x: 3, w: 2 },
      before: { x: 1, w: 2 },
      both: { x: 1, z: 3 },
      quoted: { '<<': 1 },
    })
  })

  it('is a key that would change every object in a program', () => {
    const { objects } = parse(`${configMap('a')}data:\n  __proto__: {polluted: "1"}\n  constructor: x\n`)
    expect(Object.keys(objects[0]?.object.data as object)).toEqual(['__proto__', 'constructor'])
    expect(({} as { polluted?: string }).polluted).toBeUndefined()
  })
})

describe('limits', () => {
  it('hold for the size of a file and the number of its documents', () => {
    expect(problems('#'.repeat(5 * 1024 * 1024 + 1))).toEqual(['0: the file is larger than 5 MB'])
    expect(problems('a: 1\n---\n'.repeat(5_001))).toEqual(['0: 5001 documents in one file; at most 5000 are read'])
  })

  it('hold for what aliases make of a small file, without taking time or memory', () => {
    const levels = Array.from({ length: 20 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(',')}]`)
    const bomb = `${configMap('a')}a0: &a0 [x]\n${levels.join('\n')}\n`
    expect(problems(bomb)).toEqual(['6: too many aliases inside aliases'])
    const wide = `${configMap('a')}a: &a [${Array(1_000).fill('x').join(',')}]\nb: [${Array(1_000).fill('*a').join(',')}]\n`
    expect(problems(wide)).toEqual(['5: aliases expand to too much'])
  })

  it('let one anchor be used as often as a file likes', () => {
    const uses = Array.from({ length: 500 }, (_, i) => `x${i}: *labels`).join('\n')
    expect(problems(`${configMap('a')}labels: &labels {a: b, c: d}\n${uses}\n`)).toEqual([])
  })

  it('keep warnings short', () => {
    expect(parse(`${configMap('a')}data:\n${'  x: "1"\n'.repeat(1_000)}`).warnings).toHaveLength(20)
  })
})

describe('every odd thing in one object', () => {
  const text = `${configMap('a')}1.5: a
0644: b
on: {yes: 2}
dup: 1
dup: 2
tag: !foo 12
bin: !!binary aGVsbG8=
set: !!set {a, b}
time: 12:30:45
f1: 1e3
f2: 1e21
n1: 9007199254740993
str: !!str 7
no: 0o17
`

  it('is what kubectl create --dry-run=client -o json printed', () => {
    const { apiVersion, kind, metadata, ...rest } = parse(text).objects[0]?.object ?? {}
    expect([apiVersion, kind, metadata]).toEqual(['v1', 'ConfigMap', { name: 'a' }])
    expect(rest).toEqual({
      '1.5': 'a',
      '420': 'b',
      true: { true: 2 },
      dup: 2,
      tag: '12',
      bin: 'hello',
      set: { a: null, b: null },
      time: '12:30:45',
      f1: 1000,
      f2: 1e21,
      n1: 9007199254740993n,
      str: '7',
      false: 15,
    })
  })
})
