import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../manifest/object.ts'
import { antecedentOf, claims, otherAntecedent, otherStatusWriter, readAntecedent } from './ownership.ts'
import { readSpec } from './spec.ts'

const own = 'a:helmrelease/web'
const marked = (id?: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'x', ...(id === undefined ? {} : { annotations: { 'helm.fluxcd.io/antecedent': id } }) },
})

describe('otherAntecedent', () => {
  it.each<[string, (KubeObject | undefined)[], string | undefined]>([
    ['all name another', [marked('b:helmrelease/x'), marked('b:helmrelease/x')], 'b:helmrelease/x'],
    ['one is free', [marked('b:helmrelease/x'), marked()], undefined],
    ['one is gone', [marked('b:helmrelease/x'), undefined], undefined],
    ['one is ours', [marked('b:helmrelease/x'), marked(own)], undefined],
    ['none at all', [], undefined],
  ])('%s', (_name, objects, expected) => {
    expect(otherAntecedent(objects, own)).toBe(expected)
  })
})

it('writes and reads the ID of a HelmRelease', () => {
  expect(antecedentOf({ namespace: 'a', name: 'web' })).toBe(own)
  expect(readAntecedent(own)).toEqual({ namespace: 'a', name: 'web' })
  expect(readAntecedent('a:deployment/web')).toBeUndefined()
})

const release = (spec: Record<string, unknown>, namespace = 'a', name = 'web'): KubeObject => ({
  apiVersion: 'helm.fluxcd.io/v1',
  kind: 'HelmRelease',
  metadata: { name, namespace },
  spec,
})

it('knows whether two HelmReleases ask for the same release', () => {
  const mine = readSpec(release({}), { gitRef: '', updateDependencies: true })
  expect(claims(release({ releaseName: 'a-web' }, 'a', 'other'), mine)).toBe(true)
  expect(claims(release({ releaseName: 'a-web' }, 'b', 'other'), mine)).toBe(false)
})

describe('otherStatusWriter', () => {
  const now = Date.parse('2026-01-01T01:00:00Z')
  const since = '2026-01-01T00:30:00Z'
  const written = (manager: string, time: string, subresource = 'status'): KubeObject => ({
    ...marked(),
    metadata: { name: 'x', managedFields: [{ manager, operation: 'Update', time, subresource }] },
  })
  it.each<[string, KubeObject, string | undefined]>([
    ['another one a minute ago', written('helm-operator', '2026-01-01T00:59:00Z'), 'helm-operator'],
    ['another one half an hour ago', written('helm-operator', '2026-01-01T00:35:00Z'), undefined],
    ['another one before we met', written('helm-operator', '2026-01-01T00:29:00Z'), undefined],
    ['ourselves', written('capstan', '2026-01-01T00:59:00Z'), undefined],
    ['a person', written('kubectl-edit', '2026-01-01T00:59:00Z'), undefined],
    ['another one, but not the status', written('argocd', '2026-01-01T00:59:00Z', ''), undefined],
  ])('%s', (_name, object, expected) => {
    expect(otherStatusWriter(object, since, now)).toBe(expected)
  })
})
