import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../manifest/object.ts'
import { hasHealthRule, healthOf } from './check.ts'
import type { Health } from './health.ts'
import { isEstablished } from './kinds/custom-resource-definition.ts'

type Row = [fact: string, object: Record<string, unknown>, state: Health['state'], why?: string]

function live(kind: string, fields: Record<string, unknown>): KubeObject {
  const { metadata, ...rest } = fields
  const [apiVersion = '', name = ''] = kind.split(' ')
  return { apiVersion, kind: name, metadata: { name: 'x', generation: 2, ...(metadata as object) }, ...rest }
}

function condition(type: string, status: string, reason = '', message = ''): Record<string, unknown> {
  return { conditions: [{ type, status, reason, message }] }
}

const seen = { observedGeneration: 2 }

const tables: Record<string, Row[]> = {
  'apiextensions.k8s.io/v1 CustomResourceDefinition': [
    ['just created', {}, 'progressing', 'its kinds are not served yet'],
    ['established', { status: condition('Established', 'True') }, 'healthy'],
    [
      'names taken by another',
      { status: condition('NamesAccepted', 'False', 'Conflict', 'in use') },
      'failed',
      'in use',
    ],
    [
      'under deletion',
      { metadata: { deletionTimestamp: 't' }, status: condition('Established', 'True') },
      'progressing',
      'is being deleted',
    ],
  ],
  'v1 Namespace': [
    ['active', { status: { phase: 'Active' } }, 'healthy'],
    ['terminating', { status: { phase: 'Terminating' } }, 'progressing', 'is being deleted'],
    [
      'stuck on finalizers',
      { status: { phase: 'Terminating', ...condition('NamespaceDeletionContentFailure', 'True', '', 'no') } },
      'failed',
      'no',
    ],
  ],
  'apps/v1 Deployment': [
    ['just created', { spec: {} }, 'progressing', 'the latest change is not seen yet'],
    ['just created without replicas', { spec: { replicas: 0 } }, 'progressing', 'the latest change is not seen yet'],
    ['without a pod', { spec: {}, status: seen }, 'progressing', '0 of 1 pods updated'],
    [
      'held back by a quota',
      {
        spec: { replicas: 2 },
        status: { ...seen, ...condition('ReplicaFailure', 'True', 'FailedCreate', 'exceeded quota: small') },
      },
      'progressing',
      'exceeded quota: small',
    ],
    [
      'held back by a quota until it was out of time',
      {
        spec: { replicas: 2 },
        status: {
          ...seen,
          conditions: [
            { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: 'has timed out' },
            { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'exceeded quota: small' },
          ],
        },
      },
      'failed',
      'exceeded quota: small',
    ],
    [
      'not seen by its controller',
      { status: { observedGeneration: 1 } },
      'progressing',
      'the latest change is not seen yet',
    ],
    ['scaled to zero', { spec: { replicas: 0 }, status: seen }, 'healthy'],
    [
      'half rolled out',
      { spec: { replicas: 4 }, status: { ...seen, replicas: 5, updatedReplicas: 2, availableReplicas: 4 } },
      'progressing',
      '2 of 4 pods updated',
    ],
    [
      'paused half way',
      { spec: { replicas: 4, paused: true }, status: { ...seen, replicas: 5, updatedReplicas: 2 } },
      'progressing',
      '2 of 4 pods updated, paused',
    ],
    [
      'old pods left',
      { spec: { replicas: 2 }, status: { ...seen, replicas: 3, updatedReplicas: 2, availableReplicas: 3 } },
      'progressing',
      '1 old pods still to end',
    ],
    [
      'a pod not available',
      { spec: { replicas: 2 }, status: { ...seen, replicas: 2, updatedReplicas: 2, availableReplicas: 1 } },
      'progressing',
      '1 of 2 pods available',
    ],
    [
      'rolled out',
      { spec: { replicas: 2 }, status: { ...seen, replicas: 2, updatedReplicas: 2, availableReplicas: 2 } },
      'healthy',
    ],
    [
      'out of time',
      { status: { ...seen, ...condition('Progressing', 'False', 'ProgressDeadlineExceeded', 'too slow') } },
      'failed',
      'too slow',
    ],
  ],
  'apps/v1 StatefulSet': [
    ['just created', { spec: { replicas: 3 } }, 'progressing', 'the latest change is not seen yet'],
    ['without a pod', { spec: { replicas: 3 }, status: seen }, 'progressing', '0 of 3 pods ready'],
    [
      'ready and of one revision',
      { spec: {}, status: { ...seen, readyReplicas: 1, currentRevision: 'a', updateRevision: 'a' } },
      'healthy',
    ],
    [
      'ready but old',
      {
        spec: { replicas: 2 },
        status: { ...seen, readyReplicas: 2, updatedReplicas: 1, currentRevision: 'a', updateRevision: 'b' },
      },
      'progressing',
      '1 of 2 pods updated',
    ],
    [
      'old below the partition',
      {
        spec: { replicas: 2, updateStrategy: { rollingUpdate: { partition: 1 } } },
        status: { ...seen, readyReplicas: 2, updatedReplicas: 1, currentRevision: 'a', updateRevision: 'b' },
      },
      'healthy',
    ],
    [
      'updated by hand',
      {
        spec: { replicas: 1, updateStrategy: { type: 'OnDelete' } },
        status: { ...seen, readyReplicas: 1, currentRevision: 'a', updateRevision: 'b' },
      },
      'healthy',
    ],
  ],
  'apps/v1 DaemonSet': [
    ['just created', {}, 'progressing', 'the latest change is not seen yet'],
    ['no node wants it', { status: seen }, 'healthy'],
    [
      'not updated',
      { status: { ...seen, desiredNumberScheduled: 3, updatedNumberScheduled: 1 } },
      'progressing',
      '1 of 3 pods updated',
    ],
    [
      'not available',
      { status: { ...seen, desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 2 } },
      'progressing',
      '2 of 3 pods available',
    ],
    [
      'updated by hand',
      {
        spec: { updateStrategy: { type: 'OnDelete' } },
        status: { ...seen, desiredNumberScheduled: 1, numberAvailable: 1 },
      },
      'healthy',
    ],
  ],
  'batch/v1 Job': [
    ['running', { spec: { completions: 3 }, status: { succeeded: 1 } }, 'progressing', '1 of 3 completions'],
    ['running after a failure', { spec: {}, status: { failed: 1 } }, 'progressing', '0 of 1 completions, 1 pod failed'],
    ['suspended', { spec: { suspend: true } }, 'progressing', 'is suspended'],
    ['no longer failed', { status: condition('Failed', 'False') }, 'progressing', '0 of 1 completions'],
    ['complete', { status: condition('Complete', 'True') }, 'healthy'],
    ['failed', { status: condition('Failed', 'True', 'BackoffLimitExceeded') }, 'failed', 'BackoffLimitExceeded'],
  ],
  'v1 PersistentVolumeClaim': [
    ['pending', { status: { phase: 'Pending' } }, 'progressing', 'is not bound to a volume yet'],
    [
      'pending and asked for',
      {
        metadata: { annotations: { 'volume.kubernetes.io/storage-provisioner': 'ebs.csi.aws.com' } },
        spec: { storageClassName: 'gp3' },
        status: { phase: 'Pending' },
      },
      'progressing',
      'is not bound to a volume yet',
    ],
    [
      'pending since a pod was scheduled',
      {
        metadata: { annotations: { 'volume.kubernetes.io/selected-node': 'node-1' } },
        spec: { storageClassName: 'local-path' },
        status: { phase: 'Pending' },
      },
      'progressing',
      'is not bound to a volume yet',
    ],
    [
      'waiting for its first consumer',
      { spec: { storageClassName: 'local-path' }, status: { phase: 'Pending' } },
      'healthy',
    ],
    [
      'of a volume that is not there',
      { spec: { storageClassName: 'manual', volumeName: 'pv-1' }, status: { phase: 'Pending' } },
      'progressing',
      'is not bound to a volume yet',
    ],
    ['just created', { spec: { storageClassName: 'gp3' } }, 'progressing', 'is not bound to a volume yet'],
    ['bound', { status: { phase: 'Bound' } }, 'healthy'],
    ['lost', { status: { phase: 'Lost' } }, 'failed', 'its volume is lost'],
  ],
  'v1 Pod': [
    ['pending', { status: { phase: 'Pending' } }, 'progressing', 'is not ready yet'],
    ['ready', { status: { phase: 'Running', ...condition('Ready', 'True') } }, 'healthy'],
    ['ended well', { status: { phase: 'Succeeded', ...condition('Ready', 'False') } }, 'healthy'],
    ['failed', { status: { phase: 'Failed' } }, 'failed', 'its containers failed'],
    [
      'without a node',
      {
        status: { phase: 'Pending', ...condition('PodScheduled', 'False', 'Unschedulable', '0/3 nodes are available') },
      },
      'progressing',
      '0/3 nodes are available',
    ],
    [
      'without its image',
      {
        status: {
          phase: 'Pending',
          ...condition('Ready', 'False', 'ContainersNotReady', 'containers with unready status: [web]'),
          initContainerStatuses: [{ name: 'init', state: { terminated: { exitCode: 0 } } }],
          containerStatuses: [
            { name: 'side', state: { waiting: { reason: 'ContainerCreating' } } },
            { name: 'web', state: { waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image "x"' } } },
          ],
        },
      },
      'progressing',
      'container web: ImagePullBackOff, Back-off pulling image "x"',
    ],
  ],
  'apps/v1 ReplicaSet': [
    ['just created', {}, 'progressing', 'the latest change is not seen yet'],
    ['all available', { spec: { replicas: 2 }, status: { ...seen, replicas: 2, availableReplicas: 2 } }, 'healthy'],
    [
      'one missing',
      { spec: { replicas: 2 }, status: { ...seen, replicas: 2, availableReplicas: 1 } },
      'progressing',
      '1 of 2 pods available',
    ],
    [
      'one too many',
      { spec: { replicas: 1 }, status: { ...seen, replicas: 2, availableReplicas: 2 } },
      'progressing',
      '1 pods still to end',
    ],
    [
      'held back',
      { spec: {}, status: { ...seen, ...condition('ReplicaFailure', 'True', 'FailedCreate', 'no account "x"') } },
      'progressing',
      'no account "x"',
    ],
  ],
  'v1 ReplicationController': [
    ['all available', { spec: {}, status: { ...seen, replicas: 1, availableReplicas: 1 } }, 'healthy'],
  ],
  'batch/v1 CronJob': [['between its runs', { spec: { schedule: '* * * * *' }, status: {} }, 'healthy']],
  'apiregistration.k8s.io/v1 APIService': [
    ['just created', {}, 'progressing', 'the API server has not looked at it yet'],
    ['reached', { status: condition('Available', 'True', 'Passed') }, 'healthy'],
    [
      'not reached',
      { status: condition('Available', 'False', 'MissingEndpoints', 'endpoints have no addresses') },
      'progressing',
      'endpoints have no addresses',
    ],
  ],
  'autoscaling/v2 HorizontalPodAutoscaler': [
    ['at work', { status: condition('ScalingActive', 'True', 'ValidMetricFound') }, 'healthy'],
    ['of an API without conditions', { status: {} }, 'healthy'],
    [
      'switched off',
      { status: condition('ScalingActive', 'False', 'ScalingDisabled', 'replicas are zero') },
      'healthy',
    ],
    [
      'without a target',
      { status: condition('AbleToScale', 'False', 'FailedGetScale', 'deployments.apps "x" not found') },
      'progressing',
      'deployments.apps "x" not found',
    ],
    [
      'without metrics',
      { status: condition('ScalingActive', 'False', 'FailedGetResourceMetric', 'no metrics returned') },
      'progressing',
      'no metrics returned',
    ],
    ['at its limit', { status: condition('ScalingLimited', 'True', 'TooManyReplicas') }, 'healthy'],
  ],
  'policy/v1 PodDisruptionBudget': [
    ['just created', {}, 'progressing', 'the latest change is not seen yet'],
    [
      'that allows nothing just now',
      { status: { ...seen, ...condition('DisruptionAllowed', 'False', 'InsufficientPods') } },
      'healthy',
    ],
    [
      'that cannot be counted',
      { status: { ...seen, ...condition('DisruptionAllowed', 'False', 'SyncFailed', 'no controller for pod') } },
      'progressing',
      'no controller for pod',
    ],
  ],
  'helm.fluxcd.io/v1 HelmRelease': [
    ['just created', {}, 'progressing', 'the latest change has not been worked on yet'],
    [
      'released',
      { status: { ...seen, phase: 'Succeeded', ...condition('Released', 'True', 'Succeeded', 'ok') } },
      'healthy',
    ],
    [
      'released before the latest change',
      { status: { observedGeneration: 1, phase: 'Succeeded', ...condition('Released', 'True') } },
      'progressing',
      'the latest change has not been worked on yet',
    ],
    [
      'failed on the latest change, whose generation is not written',
      {
        status: {
          observedGeneration: 1,
          phase: 'ChartFetchFailed',
          ...condition('Released', 'False', 'ChartFetchFailed', 'no such chart'),
        },
      },
      'failed',
      'no such chart',
    ],
    [
      'tried again after a failure',
      { status: { observedGeneration: 1, phase: 'Upgrading', ...condition('Released', 'False') } },
      'progressing',
      'the latest change has not been worked on yet',
    ],
    [
      'failed',
      { status: { ...seen, phase: 'DeployFailed', ...condition('Released', 'False', 'DeployFailed', 'timed out') } },
      'failed',
      'timed out',
    ],
    [
      'rolled back',
      {
        status: {
          ...seen,
          phase: 'RolledBack',
          conditions: [
            { type: 'Released', status: 'False', message: 'timed out' },
            { type: 'RolledBack', status: 'True', message: 'rolled back to revision 3' },
          ],
        },
      },
      'failed',
      'rolled back to revision 3',
    ],
  ],
  'helm.toolkit.fluxcd.io/v2 HelmRelease': [
    ['another group’s', { status: { ...seen, ...condition('Ready', 'False', 'X', 'waits') } }, 'progressing', 'waits'],
  ],
  'flagger.app/v1beta1 Canary': [
    ['nothing known', {}, 'progressing', 'Flagger has not begun'],
    ['begun', { status: { phase: 'Initialized' } }, 'healthy'],
    ['promoted', { status: { phase: 'Succeeded' } }, 'healthy'],
    ['weighing', { status: { phase: 'Progressing' } }, 'progressing', 'its phase is Progressing'],
    [
      'rolled back',
      { status: { phase: 'Failed', ...condition('Promoted', 'False', 'Failed', 'analysis failed') } },
      'failed',
      'analysis failed',
    ],
  ],
  'v1 Service': [
    ['inside the cluster', { spec: { type: 'ClusterIP' } }, 'healthy'],
    [
      'load balancer without address',
      { spec: { type: 'LoadBalancer' } },
      'progressing',
      'waits for the address of its load balancer',
    ],
    [
      'load balancer with address',
      { spec: { type: 'LoadBalancer' }, status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } } },
      'healthy',
    ],
  ],
  'networking.k8s.io/v1 Ingress': [['without an address', { status: { loadBalancer: {} } }, 'healthy']],
  'cert-manager.io/v1 Certificate': [
    ['nothing known', {}, 'healthy'],
    ['ready', { status: condition('Ready', 'True') }, 'healthy'],
    ['not ready', { status: condition('Ready', 'False', 'Pending', 'soon') }, 'progressing', 'soon'],
    ['stalled', { status: condition('Stalled', 'True', 'Broken') }, 'failed', 'Broken'],
    ['reconciling', { status: condition('Reconciling', 'True', 'Working') }, 'progressing', 'Working'],
    [
      'ready by an older generation',
      { status: { conditions: [{ type: 'Ready', status: 'True', observedGeneration: 1 }] } },
      'progressing',
      'its controller has not seen the latest change',
    ],
    ['conditions that are no list', { status: { conditions: 'odd' } }, 'healthy'],
    ['under deletion', { metadata: { deletionTimestamp: 't' } }, 'progressing', 'is being deleted'],
  ],
  'example.com/v1 Deployment': [['another group’s kind of the same name', { spec: { replicas: 3 } }, 'healthy']],
}

for (const [kind, rows] of Object.entries(tables)) {
  describe(`health of ${kind}`, () => {
    it.each(rows)('%s', (_fact, object, state, why = '') => {
      expect(healthOf(live(kind, object))).toEqual({ state, why })
    })
  })
}

describe('hasHealthRule', () => {
  it.each([
    ['apps/v1', 'Deployment', true],
    ['batch/v1', 'Job', true],
    ['batch/v1', 'CronJob', false],
    ['v1', 'ConfigMap', false],
    ['v1', 'Secret', false],
    ['v1', 'Service', true],
    ['rbac.authorization.k8s.io/v1', 'ClusterRole', false],
    ['networking.k8s.io/v1', 'Ingress', false],
    ['networking.k8s.io/v1', 'NetworkPolicy', false],
    ['helm.fluxcd.io/v1', 'HelmRelease', true],
    ['cert-manager.io/v1', 'Certificate', true],
    ['gateway.networking.k8s.io/v1', 'Gateway', true],
  ])('of %s %s is %s', (apiVersion, kind, expected) => {
    expect(hasHealthRule(apiVersion, kind)).toBe(expected)
  })

  it('is there wherever an object can be anything but healthy', () => {
    for (const [kind, rows] of Object.entries(tables)) {
      const [apiVersion = '', name = ''] = kind.split(' ')
      const isEver = rows.some(([, { metadata }, state]) => state !== 'healthy' && !(metadata as object | undefined))
      if (isEver) expect([kind, hasHealthRule(apiVersion, name)]).toEqual([kind, true])
    }
  })
})

describe('isEstablished', () => {
  const kind = 'apiextensions.k8s.io/v1 CustomResourceDefinition'
  it.each([
    ['no status', {}, false],
    ['established', { status: condition('Established', 'True') }, true],
    ['going', { metadata: { deletionTimestamp: 't' }, status: condition('Established', 'True') }, false],
  ])('%s', (_fact, object, expected) => {
    expect(isEstablished(live(kind, object))).toBe(expected)
  })
})
