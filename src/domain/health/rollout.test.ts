import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../manifest/object.ts'
import { rolloutOf } from './rollout.ts'

function object(kind: string, spec: object, status: object): KubeObject {
  return {
    apiVersion: 'x',
    kind,
    metadata: { name: 'web', generation: 2 },
    spec,
    status: { observedGeneration: 2, ...status },
  }
}

const full = { replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2 }
const failing = [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'exceeded quota' }]
const stuck = [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: 'timed out' }]
const going = [{ type: 'Progressing', status: 'True', reason: 'x', message: 'fine' }]

describe('rolloutOf', () => {
  it.each<[string, KubeObject, object]>([
    [
      'a deployment that is there',
      object('Deployment', { replicas: 2 }, { ...full, conditions: going }),
      { status: 'ready', desired: 2, outdated: 0, messages: [] },
    ],
    [
      'one pod where nothing is said',
      object('Deployment', {}, { ...full, replicas: 1, updatedReplicas: 1, availableReplicas: 1 }),
      { status: 'ready', desired: 1 },
    ],
    [
      'one whose change is not seen',
      object('Deployment', { replicas: 2 }, { ...full, observedGeneration: 1 }),
      { status: 'started' },
    ],
    [
      'one with old pods',
      object('Deployment', { replicas: 2 }, { ...full, replicas: 3 }),
      { status: 'updating', outdated: 1 },
    ],
    [
      'one that may not make pods',
      object('Deployment', { replicas: 2 }, { conditions: failing }),
      { status: 'error', messages: ['exceeded quota'] },
    ],
    [
      'one that is stuck',
      object('Deployment', { replicas: 2 }, { ...full, conditions: stuck }),
      { status: 'error', messages: ['timed out'] },
    ],
    [
      'a daemon on all nodes',
      object(
        'DaemonSet',
        {},
        {
          desiredNumberScheduled: 3,
          updatedNumberScheduled: 3,
          currentNumberScheduled: 3,
          numberReady: 3,
          numberAvailable: 3,
        },
      ),
      { status: 'ready', desired: 3, ready: 3 },
    ],
    [
      'a daemon on its way',
      object('DaemonSet', {}, { desiredNumberScheduled: 3, updatedNumberScheduled: 1, currentNumberScheduled: 3 }),
      { status: 'updating', outdated: 2 },
    ],
    [
      'a set that is whole',
      object(
        'StatefulSet',
        { replicas: 2 },
        { currentRevision: 'a', updateRevision: 'a', currentReplicas: 2, readyReplicas: 2 },
      ),
      { status: 'ready', available: 2 },
    ],
    [
      'a set that moves',
      object(
        'StatefulSet',
        { replicas: 2 },
        { currentRevision: 'a', updateRevision: 'b', updatedReplicas: 1, readyReplicas: 2 },
      ),
      { status: 'updating', updated: 1, outdated: 1 },
    ],
    [
      'a set with a partition',
      object(
        'StatefulSet',
        { replicas: 3, updateStrategy: { rollingUpdate: { partition: 2 } } },
        { currentRevision: 'a', updateRevision: 'b', updatedReplicas: 1, readyReplicas: 3 },
      ),
      { status: 'ready', desired: 1 },
    ],
    ['a cron job', object('CronJob', {}, {}), { status: 'ready', desired: 0 }],
    ['a release', object('HelmRelease', {}, { releaseStatus: 'deployed' }), { status: 'deployed' }],
    ['a release of which nothing is known', object('HelmRelease', {}, {}), { status: '' }],
  ])('tells of %s', (_what, given, expected) => {
    expect(rolloutOf(given)).toMatchObject(expected)
  })
})
