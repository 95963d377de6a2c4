import { describe, expect, it } from 'vitest'
import type { PolicyChange } from '../work/update-spec.ts'
import { annotationsOf, problemOfChange } from './policy-change.ts'

const change = (add: Record<string, string>, ...remove: string[]): PolicyChange => ({
  add,
  remove: Object.fromEntries(remove.map((name) => [name, 'true'])),
})

describe('annotationsOf', () => {
  const rows: [
    why: string,
    PolicyChange,
    annotations: Record<string, string>,
    expected: Record<string, string | undefined>,
  ][] = [
    ['a new policy is written under fluxcd.io', change({ automated: 'true' }), {}, { 'fluxcd.io/automated': 'true' }],
    [
      'one that is there keeps its prefix',
      change({ automated: 'true' }),
      { 'flux.weave.works/automated': 'false' },
      { 'flux.weave.works/automated': 'true' },
    ],
    [
      '… the first that is read',
      change({ 'tag.a': 'semver:2' }),
      { 'filter.fluxcd.io/a': 'x', 'flux.weave.works/tag.a': 'y' },
      { 'flux.weave.works/tag.a': 'semver:2' },
    ],
    [
      '… a filter',
      change({ 'tag.a': 'semver:2' }),
      { 'filter.fluxcd.io/a': 'x' },
      { 'filter.fluxcd.io/a': 'semver:2' },
    ],
    ['what is so already is not written', change({ locked: 'true' }), { 'fluxcd.io/locked': 'true' }, {}],
    [
      'taking away leaves it under no prefix',
      change({}, 'locked'),
      { 'fluxcd.io/locked': 'true', 'flux.weave.works/locked': 'true' },
      { 'fluxcd.io/locked': undefined, 'flux.weave.works/locked': undefined },
    ],
    ['… what is not there is nothing', change({}, 'locked'), {}, {}],
    [
      '… and wins over setting',
      change({ locked: 'true' }, 'locked'),
      { 'fluxcd.io/locked': 'true' },
      { 'fluxcd.io/locked': undefined },
    ],
    [
      'an empty value takes away',
      change({ locked_msg: '' }),
      { 'fluxcd.io/locked_msg': 'x' },
      { 'fluxcd.io/locked_msg': undefined },
    ],
    [
      'tag_all is each container, and wins',
      change({ tag_all: 'semver:1', 'tag.a': 'glob:x' }),
      {},
      { 'fluxcd.io/tag.a': 'semver:1', 'fluxcd.io/tag.b': 'semver:1' },
    ],
    [
      '… glob:* takes them away',
      change({ tag_all: 'glob:*' }),
      { 'fluxcd.io/tag.a': 'x', 'filter.fluxcd.io/b': 'y' },
      { 'fluxcd.io/tag.a': undefined, 'filter.fluxcd.io/b': undefined },
    ],
    [
      'a value with = and quotes',
      change({ 'tag.a': 'semver:>=1.0', locked_msg: 'it\'s = "so"' }),
      {},
      { 'fluxcd.io/tag.a': 'semver:>=1.0', 'fluxcd.io/locked_msg': 'it\'s = "so"' },
    ],
  ]
  it.each(rows)('%s', (_, wanted, annotations, expected) => {
    const changes = annotationsOf(wanted, ['a', 'b'], annotations)
    expect(Object.fromEntries(changes.map(({ key, value }) => [key, value]))).toEqual(expected)
  })
})

describe('problemOfChange', () => {
  it.each([
    [change({ 'tag.a': 'semver:oops' }), "invalid tag pattern: 'semver:oops' is not a valid range of versions"],
    [change({ tag_all: 'regexp:(' }), "invalid tag pattern: 'regexp:(' is not a valid regular expression"],
    [change({ 'a b': 'x' }), "'a b' cannot be the name of a policy"],
    [change({}, '../x'), "'../x' cannot be the name of a policy"],
    [change({ 'tag.a': 'semver:~1' }, 'tag.b'), undefined],
  ])('%j: %s', (wanted, expected) => {
    expect(problemOfChange(wanted)).toBe(expected)
  })
})
