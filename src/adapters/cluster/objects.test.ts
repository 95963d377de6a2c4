import { describe, expect, it } from 'vitest'
import { pathOf } from './objects.ts'

const deployment = {
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  namespaced: true,
  verbs: [],
}
const namespace = { group: '', version: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false, verbs: [] }

describe('paths', () => {
  it.each([
    ['all of a kind', pathOf(deployment), '/apis/apps/v1/deployments'],
    ['one namespace', pathOf(deployment, 'n'), '/apis/apps/v1/namespaces/n/deployments'],
    ['one object', pathOf(deployment, 'n', 'a'), '/apis/apps/v1/namespaces/n/deployments/a'],
    ['an object outside of namespaces', pathOf(namespace, 'ignored', 'n'), '/api/v1/namespaces/n'],
    ['a name with a colon', pathOf(namespace, undefined, 'system:x'), '/api/v1/namespaces/system%3Ax'],
  ])('%s', (_fact, path, expected) => {
    expect(path).toBe(expected)
  })

  it.each(['', '.', '..', 'a/b', 'a%2Fb'])('refuse the name "%s"', (name) => {
    expect(() => pathOf(deployment, 'n', name)).toThrow('not a name')
    expect(() => pathOf(deployment, name || '..')).toThrow('not a name')
  })
})
