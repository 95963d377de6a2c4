import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../manifest/object.ts'
import { autoscaledFields, autoscalerWarning, isScalable } from './autoscaler.ts'

const web = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web' }

function scaler(apiVersion: string, kind: string, scaleTargetRef: unknown, namespace = 'shop'): KubeObject {
  return { apiVersion, kind, metadata: { name: 'auto', namespace }, spec: { scaleTargetRef } }
}
const inGit = (spec: object): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec,
})
const target = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }

describe('what an autoscaler moves', () => {
  it.each<[fact: string, autoscaler: KubeObject, moved: boolean]>([
    ['its target', scaler('autoscaling/v2', 'HorizontalPodAutoscaler', target), true],
    ['its target, in the first version', scaler('autoscaling/v1', 'HorizontalPodAutoscaler', target), true],
    [
      'its target, under an old version of the group',
      scaler('autoscaling/v1', 'HorizontalPodAutoscaler', { ...target, apiVersion: 'apps/v1beta2' }),
      true,
    ],
    [
      'KEDA’s target, a Deployment unless it says otherwise',
      scaler('keda.sh/v1alpha1', 'ScaledObject', { name: 'web' }),
      true,
    ],
    ['KEDA’s other target', scaler('keda.sh/v1alpha1', 'ScaledObject', { ...target, kind: 'StatefulSet' }), false],
    [
      'nothing of another kind',
      scaler('autoscaling/v2', 'HorizontalPodAutoscaler', { ...target, kind: 'StatefulSet' }),
      false,
    ],
    ['nothing in another namespace', scaler('autoscaling/v2', 'HorizontalPodAutoscaler', target, 'x'), false],
    ['nothing without a target', scaler('autoscaling/v2', 'HorizontalPodAutoscaler', undefined), false],
    ['nothing when it is none', scaler('example.com/v1', 'HorizontalPodAutoscaler', target), false],
  ])('is %s', (_fact, autoscaler, moved) => {
    const fields = autoscaledFields([autoscaler], web)
    expect(fields).toEqual(moved ? [[{ key: 'spec' }, { key: 'replicas' }]] : [])
    expect(autoscalerWarning([autoscaler], web, inGit({ replicas: 0 })) !== undefined).toBe(moved)
  })

  it('is told with who it is and what to do', () => {
    const autoscaler = scaler('autoscaling/v2', 'HorizontalPodAutoscaler', target)
    expect(autoscalerWarning([autoscaler], web, inGit({ replicas: 2 }))).toBe(
      '.spec.replicas of shop:deployment/web is left to shop:horizontalpodautoscaler/auto. Take it out of git, or let git win with --overrule-autoscalers.',
    )
  })

  it('is nothing to tell of where git gives no number', () => {
    const autoscaler = scaler('autoscaling/v2', 'HorizontalPodAutoscaler', target)
    expect(autoscalerWarning([autoscaler], web, inGit({}))).toBeUndefined()
  })
})

it.each([
  ['apps/v1', 'Deployment', true],
  ['apps/v1', 'StatefulSet', true],
  ['v1', 'ReplicationController', true],
  ['apps/v1', 'DaemonSet', false],
  ['v1', 'ConfigMap', false],
  ['networking.k8s.io/v1', 'Ingress', false],
  ['example.com/v1', 'Rollout', true],
])('whether %s %s can be scaled: %s', (apiVersion, kind, expected) => {
  expect(isScalable({ apiVersion, kind })).toBe(expected)
})
