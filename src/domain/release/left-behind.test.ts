import { describe, expect, it } from 'vitest'
import { isRemovalWanted, leftMessage, type Manifests, whyNeverRemoved } from './left-behind.ts'

const left = { namespace: 'a', release: 'old' }
const ref = (kind: string, name: string, apiVersion = 'v1') => ({ apiVersion, kind, namespace: 'a', name })

describe('whyNeverRemoved', () => {
  it.each<[string, Manifests, string | undefined]>([
    ['ordinary objects', { old: [ref('ConfigMap', 'x')], now: [ref('ConfigMap', 'y')] }, undefined],
    ['nothing at all', { old: [], now: [] }, undefined],
    ['a manifest that cannot be read', { old: undefined, now: [] }, 'its manifest cannot be read'],
    ['a claim', { old: [ref('PersistentVolumeClaim', 'x')], now: [] }, 'it has PersistentVolumeClaim x'],
    ['a volume', { old: [ref('PersistentVolume', 'x')], now: [] }, 'it has PersistentVolume x'],
    ['a namespace', { old: [ref('Namespace', 'x')], now: [] }, 'it has Namespace x'],
    [
      'a definition',
      { old: [ref('CustomResourceDefinition', 'x', 'apiextensions.k8s.io/v1')], now: [] },
      'it has CustomResourceDefinition x',
    ],
    [
      'an object that the new release has too',
      { old: [ref('ConfigMap', 'x')], now: [ref('ConfigMap', 'x')] },
      'a:configmap/x belongs to the new release too',
    ],
  ])('%s', (_name, manifests, expected) => {
    expect(whyNeverRemoved(manifests)).toBe(expected)
  })
})

it.each([
  ['nobody wants it', {}, false],
  ['the annotation wants it', { 'capstan.dev/on-rename': 'remove' }, true],
  ['the annotation says something else', { 'capstan.dev/on-rename': 'keep' }, false],
  ['this one is approved', { 'capstan.dev/approve': 'remove-a/old' }, true],
  ['another one is approved', { 'capstan.dev/approve': 'remove-a/older' }, false],
])('%s', (_name, annotations, expected) => {
  const object = { apiVersion: 'helm.fluxcd.io/v1', kind: 'HelmRelease', metadata: { name: 'x', annotations } }
  expect(isRemovalWanted(object, left)).toBe(expected)
})

it('says how to remove what is left, and only by hand where we never do it', () => {
  expect(leftMessage(left, undefined)).toBe(
    'OldReleaseLeft: release old in a is left as it is; remove it with: helm uninstall old --namespace a, or annotate ' +
      'capstan.dev/on-rename=remove or capstan.dev/approve=remove-a/old',
  )
  expect(leftMessage(left, 'it has Namespace x')).toBe(
    'OldReleaseLeft: release old in a is left as it is, because it has Namespace x; remove it with: helm uninstall old --namespace a',
  )
})
