import { describe, expect, it } from 'vitest'
import { ancestorOf } from './ancestor.ts'
import type { KubeObject } from './object.ts'

function workload(image: unknown, annotations: Record<string, string> = {}): KubeObject {
  const spec = { template: { spec: { containers: [{ image: 'nginx:1' }, { image }] } } }
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a', annotations }, spec }
}

function release(chart: unknown, apiVersion = 'helm.fluxcd.io/v1'): KubeObject {
  return { apiVersion, kind: 'HelmRelease', metadata: { name: 'a' }, spec: { chart } }
}

describe('an ancestor in git', () => {
  it.each([
    { name: 'a Deployment of fluxd', object: workload('docker.io/fluxcd/flux:1.25.4'), expected: 'fluxd' },
    { name: 'an older image name', object: workload('weaveworks/flux'), expected: 'fluxd' },
    {
      name: 'an image of a mirror with port and digest',
      object: workload('r:5000/x/flux:1@sha256:ab'),
      expected: 'fluxd',
    },
    { name: 'a Deployment of the operator', object: workload('fluxcd/helm-operator:1.4.2'), expected: 'helm-operator' },
    { name: 'a HelmRelease of its chart', object: release({ name: 'flux', repository: 'x' }), expected: 'fluxd' },
    { name: 'a chart in git', object: release({ git: 'x', path: 'charts/helm-operator' }), expected: 'helm-operator' },
    { name: 'another image that only begins so', object: workload('fluxcd/flux-recv:1'), expected: undefined },
    { name: 'an image of an organisation of that name', object: workload('flux/web:1'), expected: undefined },
    { name: 'a kind of somebody else', object: release({ name: 'flux' }, 'example.com/v1'), expected: undefined },
    { name: 'an image that is no text', object: workload(5), expected: undefined },
    {
      name: 'one that is meant',
      object: workload('fluxcd/flux:1', { 'capstan.dev/ancestor': 'allow' }),
      expected: undefined,
    },
    {
      name: 'an object without a spec',
      object: { apiVersion: 'v1', kind: 'A', metadata: { name: 'a' } },
      expected: undefined,
    },
  ])('is $expected in $name', ({ object, expected }) => {
    expect(ancestorOf(object)).toBe(expected)
  })
})
