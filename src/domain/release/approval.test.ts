import { describe, expect, it } from 'vitest'
import { adoptionOf, isApproved, keepsFailedInstall, removalOf } from './approval.ts'

function annotated(text: string | undefined) {
  const annotations = text === undefined ? {} : { annotations: { 'capstan.dev/approve': text } }
  return { apiVersion: 'helm.fluxcd.io/v1', kind: 'HelmRelease', metadata: { name: 'a', ...annotations } }
}

describe('isApproved', () => {
  it.each<[string, string | undefined, boolean]>([
    ['nothing is approved without the annotation', undefined, false],
    ['nothing is approved by an empty one', '', false],
    ['a word approves what it names', 'revision-3', true],
    ['one of several does', 'remove-a/old, revision-3', true],
    ['another revision approves nothing', 'revision-30', false],
    ['true approves nothing', 'true', false],
  ])('%s', (_name, text, expected) => {
    expect(isApproved(annotated(text), adoptionOf(3))).toBe(expected)
  })

  it('names a removal by namespace and release', () => {
    expect(isApproved(annotated('remove-a/old'), removalOf({ namespace: 'a', release: 'old' }))).toBe(true)
    expect(isApproved(annotated('remove-a/old'), removalOf({ namespace: 'b', release: 'old' }))).toBe(false)
  })
})

it.each([
  [undefined, 'keep', true],
  [undefined, 'remove', false],
  ['keep', 'remove', true],
  ['remove', 'keep', false],
  ['maybe', 'remove', false],
] as const)('a failed first install annotated %s, by default %s, is kept: %s', (own, byDefault, expected) => {
  const annotations = own === undefined ? {} : { annotations: { 'capstan.dev/failed-install': own } }
  const object = { apiVersion: 'helm.fluxcd.io/v1', kind: 'HelmRelease', metadata: { name: 'a', ...annotations } }
  expect(keepsFailedInstall(object, byDefault)).toBe(expected)
})
