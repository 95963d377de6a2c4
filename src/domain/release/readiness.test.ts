import { describe, expect, it } from 'vitest'
import { isWaitedFor, readinessOf } from './readiness.ts'

const ref = (name: string) => ({ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'a', name })

function deployment(name: string, available: number, spec: Record<string, unknown> = {}) {
  const status = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: available }
  const metadata = { name, namespace: 'a', generation: 1 }
  return { ref: ref(name), live: { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec, status } }
}

describe('readinessOf', () => {
  it.each<[string, Parameters<typeof readinessOf>[0], ReturnType<typeof readinessOf>]>([
    ['nothing to wait for', [], { isReady: true, why: '' }],
    ['all are ready', [deployment('x', 1)], { isReady: true, why: '' }],
    [
      'one is not',
      [deployment('x', 1), deployment('y', 0)],
      { isReady: false, why: 'a:deployment/y: 0 of 1 pods available' },
    ],
    ['one is not there', [{ ref: ref('z'), live: undefined }], { isReady: false, why: 'a:deployment/z: is not there' }],
    ['one is paused', [deployment('x', 0, { paused: true })], { isReady: true, why: '' }],
  ])('%s', (_name, objects, expected) => {
    expect(readinessOf(objects)).toEqual(expected)
  })

  it('names the first three', () => {
    const { why } = readinessOf(['a', 'b', 'c', 'd'].map((name) => deployment(name, 0)))
    expect(why).toMatch(/^a:deployment\/a.*deployment\/c: 0 of 1 pods available, and 1 more$/)
  })
})

it.each([
  ['apps/v1', 'Deployment', true],
  ['v1', 'Pod', true],
  ['v1', 'PersistentVolumeClaim', true],
  ['apiextensions.k8s.io/v1', 'CustomResourceDefinition', true],
  ['batch/v1', 'Job', false],
  ['v1', 'ConfigMap', false],
  ['example.com/v1', 'Deployment', false],
])('%s %s is waited for: %s', (apiVersion, kind, expected) => {
  expect(isWaitedFor({ apiVersion, kind })).toBe(expected)
})
