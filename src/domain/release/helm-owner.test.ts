import { expect, it } from 'vitest'
import { isMadeBy, otherRelease } from './helm-owner.ts'

const web = { release: 'web', targetNamespace: 'a' }

it.each<[string, Record<string, string> | undefined, boolean, string | undefined]>([
  ['made by hand', undefined, false, undefined],
  ['of this release', { 'meta.helm.sh/release-name': 'web', 'meta.helm.sh/release-namespace': 'a' }, true, undefined],
  ['of another one', { 'meta.helm.sh/release-name': 'api', 'meta.helm.sh/release-namespace': 'a' }, false, 'a/api'],
  [
    'of one of that name elsewhere',
    { 'meta.helm.sh/release-name': 'web', 'meta.helm.sh/release-namespace': 'b' },
    false,
    'b/web',
  ],
])('an object %s', (_name, annotations, made, other) => {
  const object = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'x', ...(annotations ? { annotations } : {}) },
  }
  expect(isMadeBy(object, web)).toBe(made)
  expect(otherRelease(object, web)).toBe(other)
})
