import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { Json } from '../manifest/object.ts'
import { valuesFile, valuesTree, withOtherHalf } from './values.ts'

describe('valuesTree', () => {
  it('joins lists and maps that are given again, and the last text counts', () =>
    expect(
      valuesTree([
        ['git.url', 'a'],
        ['extraEnvs', [{ name: 'A' }]],
        ['git.branch', 'main'],
        ['extraEnvs', [{ name: 'B' }]],
        ['git.url', 'b'],
      ]),
    ).toEqual({ git: { url: 'b', branch: 'main' }, extraEnvs: [{ name: 'A' }, { name: 'B' }] }))
})

type Row = [path: string, one: Json, other: Json, counts: Json, became: string[]]

const rows: Row[] = [
  ['git.pollInterval', '5m', '30s', '30s', ['differs']],
  ['git.pollInterval', '1m', '1m30s', '1m', ['differs']],
  ['git.timeout', '20s', '1m', '1m', ['differs']],
  ['git.timeout', '20s', '20s', '20s', []],
  ['logFormat', 'json', 'fmt', 'json', ['differs']],
  ['clusterRole.create', false, true, true, ['differs']],
  ['git.secretName', 'a', 'b', 'a', ['refused']],
  ['registry.dockercfg.secretName', 'a', 'a', 'a', []],
  ['extraEnvs', [{ name: 'A' }], [{ name: 'A' }, { name: 'B' }], [{ name: 'A' }, { name: 'B' }], []],
]

describe('what both ancestors had', () => {
  it.each(rows)('%s: %j and %j', (...[path, one, other, counts, became]) => {
    const { values, notes } = withOtherHalf(valuesTree([[path, one]]), valuesTree([[path, other]]))
    expect(values).toEqual(valuesTree([[path, counts]]))
    expect(notes.map((note) => note.became)).toEqual(became)
  })
})

it('is written as YAML that says where it is from', () => {
  const text = valuesFile({ git: { url: 'a: b' } }, 'one\ntwo')
  expect(text).toMatch(/^# one\n# two\ngit:\n/)
  expect(parse(text)).toEqual({ git: { url: 'a: b' } })
})
