import { describe, expect, it } from 'vitest'
import { hasPolicy, ignoreOf, readPolicies } from './annotations.ts'

describe('policies', () => {
  it('are read under every prefix, a filter as a tag policy, other annotations not', () => {
    const policies = readPolicies({
      'fluxcd.io/automated': 'true',
      'flux.weave.works/locked': 'true',
      'filter.fluxcd.io/app': 'glob:1.*',
      'helm.fluxcd.io/antecedent': 'x',
      'fluxcd.io': 'y',
    })
    expect([...policies]).toEqual([
      ['automated', 'true'],
      ['locked', 'true'],
      ['tag.app', 'glob:1.*'],
    ])
  })

  it.each([
    [{ 'flux.weave.works/tag.app': 'old', 'fluxcd.io/tag.app': 'new' }, 'new'],
    [{ 'filter.fluxcd.io/app': 'filter', 'flux.weave.works/tag.app': 'old' }, 'old'],
  ])('count under the first prefix that has them', (annotations, expected) => {
    expect(readPolicies(annotations).get('tag.app')).toBe(expected)
  })

  it.each([
    ['automated', 'true', true],
    ['automated', 'yes', false],
    ['locked', 'false', false],
    ['ignore', 'sync_only', false],
    ['locked_msg', '', true],
  ])('%s=%s: %s', (name, value, expected) => {
    expect(hasPolicy(new Map([[name, value]]), name)).toBe(expected)
  })
})

describe('being left alone', () => {
  it.each([
    [{ 'fluxcd.io/ignore': 'true' }, 'true'],
    [{ 'flux.weave.works/ignore': 'sync_only' }, 'sync_only'],
    [{ 'fluxcd.io/ignore': 'false' }, undefined],
    [undefined, undefined],
  ])('%o is %s', (annotations, expected) => {
    expect(ignoreOf({ metadata: { name: 'a', ...(annotations ? { annotations } : {}) } })).toBe(expected)
  })
})
