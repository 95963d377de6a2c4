import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../manifest/object.ts'
import { healthOf } from './check.ts'
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
    ['just created', { spec: {} }, 'progressing', '0 of 1 pods updated'],
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
    ['just created', { spec: { replicas: 3 } }, 'progressing', '0 of 3 pods ready'],
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
    ['suspended', { spec: { suspend: true } }, 'progressing', 'is suspended'],
    ['complete', { status: condition('Complete', 'True') }, 'healthy'],
    ['failed', { status: condition('Failed', 'True', 'BackoffLimitExceeded') }, 'failed', 'BackoffLimitExceeded'],
  ],
  'v1 PersistentVolumeClaim': [
    ['pending', { status: { phase: 'Pending' } }, 'progressing', 'is not bound to a volume yet'],
    ['bound', { status: { phase: 'Bound' } }, 'healthy'],
    ['lost', { status: { phase: 'Lost' } }, 'failed', 'its volume is lost'],
  ],
  'v1 Pod': [
    ['pending', { status: { phase: 'Pending' } }, 'progressing', 'is not ready yet'],
    ['ready', { status: { phase: 'Running', ...condition('Ready', 'True') } }, 'healthy'],
    ['ended well', { status: { phase: 'Succeeded', ...condition('Ready', 'False') } }, 'healthy'],
    ['failed', { status: { phase: 'Failed' } }, 'failed', 'its containers failed'],
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
