import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../manifest/object.ts'
import { rolloutStep } from './rollout-step.ts'

const observedAt = '2026-11-21T10:00:00Z'

function deployment(available: number, conditions: object[] = []): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'demo', generation: 1 },
    spec: { replicas: 1 },
    status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: available, conditions },
  }
}
function pod(name: string, reason: string, { message = '', ending = false } = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...(ending ? { deletionTimestamp: observedAt } : {}) },
    status: { containerStatuses: [{ name: 'app', state: { waiting: { reason, message } } }] },
  }
}
const creation = (message: string) => [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message }]
const late = [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: 'timed out' }]

describe('rolloutStep', () => {
  it.each<[fact: string, object: KubeObject, pods: KubeObject[], expected: object]>([
    ['all pods are available', deployment(1), [], { state: 'done', reason: '' }],
    [
      'pods are on their way',
      deployment(0),
      [pod('web-1', 'ContainerCreating')],
      { state: 'waiting', reason: 'NotReady', message: '0 of 1 pods available' },
    ],
    [
      'an image cannot be pulled, in the words of the kubelet',
      deployment(0),
      [pod('web-1', 'ImagePullBackOff', { message: 'Back-off pulling image "x"' })],
      {
        state: 'stopped',
        reason: 'ImagePullFailed',
        message: 'pod web-1, container app: ImagePullBackOff, Back-off pulling image "x"',
      },
    ],
    [
      'an image that cannot be pulled is told before a container that crashes',
      deployment(0),
      [pod('web-0', 'CrashLoopBackOff'), pod('web-1', 'ErrImagePull')],
      { reason: 'ImagePullFailed', message: 'pod web-1, container app: ErrImagePull' },
    ],
    [
      'a container crashes',
      deployment(0),
      [pod('web-1', 'CrashLoopBackOff')],
      { state: 'stopped', reason: 'NotHealthy' },
    ],
    [
      'a pod that ends is of no concern',
      deployment(0),
      [pod('web-0', 'ErrImagePull', { ending: true })],
      { state: 'waiting' },
    ],
    [
      'a quota lets no pod be made',
      deployment(0, creation('exceeded quota: small')),
      [],
      { state: 'stopped', reason: 'QuotaExceeded', message: 'exceeded quota: small' },
    ],
    [
      'a webhook lets no pod be made',
      deployment(0, creation('admission webhook "w.example" denied the request: no')),
      [],
      { state: 'stopped', reason: 'AdmissionDenied' },
    ],
    ['it took too long', deployment(0, late), [], { state: 'stopped', reason: 'NotHealthy', message: 'timed out' }],
  ])('%s', (_fact, object, pods, expected) => {
    expect(rolloutStep({ object, pods, observedAt })).toMatchObject({
      of: 'demo:deployment/web',
      at: observedAt,
      ...expected,
    })
  })
})
