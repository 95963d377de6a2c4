import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { printPath } from './field-path.ts'
import { parsePointer } from './field-text.ts'
import { cutBranch, difference, leavesOf, meet, partition, pathsOf, readFields, union, writeFields } from './fields.ts'

const fieldsV1 = {
  'f:metadata': { 'f:labels': { '.': {}, 'f:a.b/c': {} } },
  'f:spec': {
    'f:replicas': {},
    'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:port': {}, 'f:name': {} } },
    'f:tags': { 'v:"a"': {}, 'v:"b"': {} },
    'f:rules': {},
  },
}
const value = { spec: { replicas: 1, ports: [{ port: 80 }], tags: ['b'], rules: [{ x: 1 }, { y: 2 }] } }

/** Any fieldsV1 of up to three levels, as the server writes them. */
const steps = fc.constantFrom('.', 'f:a', 'f:b', 'v:"x"', 'k:{"name":"n"}')
const anyFields = [1, 2, 3].reduce<fc.Arbitrary<Record<string, unknown>>>(
  (below) => fc.dictionary(steps, below, { maxKeys: 3 }),
  fc.constant({}),
)

function texts(set: ReturnType<typeof readFields>): string[] {
  return pathsOf(set).map(printPath).toSorted()
}

describe('a set of fields', () => {
  it('is what fieldsV1 says, and writes the same', () => {
    expect(writeFields(readFields(fieldsV1))).toEqual(fieldsV1)
    expect(texts(readFields(fieldsV1))).toEqual([
      '.metadata.labels',
      '.metadata.labels.a.b/c',
      '.spec.ports[port=80,protocol="TCP"]',
      '.spec.ports[port=80,protocol="TCP"].name',
      '.spec.ports[port=80,protocol="TCP"].port',
      '.spec.replicas',
      '.spec.rules',
      '.spec.tags[="a"]',
      '.spec.tags[="b"]',
    ])
    expect(leavesOf(readFields(fieldsV1)).map(printPath)).not.toContain('.metadata.labels')
  })

  it('holds the members of both after a union, and those of one after a difference', () => {
    fc.assert(
      fc.property(anyFields, anyFields, (one, other) => {
        const [a, b] = [readFields(one), readFields(other)]
        const [mine, theirs] = [texts(a), texts(b)]
        expect(texts(union(a, b))).toEqual([...new Set([...mine, ...theirs])].toSorted())
        expect(texts(difference(a, b))).toEqual(mine.filter((text) => !theirs.includes(text)))
        expect(texts(readFields(writeFields(a)))).toEqual(mine)
      }),
    )
  })

  it('is parted by a value into what it has and what it has not', () => {
    const { inside, outside } = partition(readFields(fieldsV1), value)
    expect(texts(inside)).toEqual([
      '.spec.ports[port=80,protocol="TCP"]',
      '.spec.ports[port=80,protocol="TCP"].port',
      '.spec.replicas',
      '.spec.rules',
      '.spec.tags[="b"]',
    ])
    expect(texts(union(inside, outside))).toEqual(texts(readFields(fieldsV1)))
  })

  it.each<[fact: string, pointer: string, cut: string[] | string]>([
    ['a field', '/spec/replicas', ['.spec.replicas']],
    ['all below a field', '/spec/tags', ['.spec.tags[="a"]', '.spec.tags[="b"]']],
    ['an item by its place', '/spec/ports/0/name', ['.spec.ports[port=80,protocol="TCP"].name']],
    ['an item by one of its keys', '/spec/ports/[port=80]/port', ['.spec.ports[port=80,protocol="TCP"].port']],
    ['a member of a set by its place', '/spec/tags/0', ['.spec.tags[="b"]']],
    ['a part of what has no parts', '/spec/rules/0/x', 'inside one field'],
    ['what is not owned', '/spec/paused', 'nothing'],
    ['no such item', '/spec/ports/4/name', 'nothing'],
  ])('gives up %s', (_fact, pointer, expected) => {
    const set = readFields(fieldsV1)
    const met = meet(set, parsePointer(pointer), value)
    if (met.kind !== 'found') return expect(met.kind).toEqual(expected)
    const { cut, rest } = cutBranch(set, met.steps)
    expect(texts(cut)).toEqual(expected)
    expect(texts(union(cut, rest))).toEqual(texts(set))
    expect(texts(rest).filter((text) => expected.includes(text))).toEqual([])
  })
})
