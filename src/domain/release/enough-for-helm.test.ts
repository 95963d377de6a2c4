import { describe, expect, it } from 'vitest'
import { isEnoughForHelm } from './enough-for-helm.ts'

type Fields = Record<string, unknown>

function object(kind: string, spec: Fields, status: Fields) {
  const apiVersion = kind === 'Service' ? 'v1' : 'apps/v1'
  return {
    apiVersion,
    kind,
    metadata: { name: 'x', generation: 2 },
    spec,
    status: { observedGeneration: 2, ...status },
  }
}

const pods = (replicas: number, updatedReplicas: number, readyReplicas: number) => ({
  replicas,
  updatedReplicas,
  readyReplicas,
})
const daemons = (desired: number, updated: number, ready: number) => ({
  desiredNumberScheduled: desired,
  updatedNumberScheduled: updated,
  numberReady: ready,
})
const rolling = (maxUnavailable: number | string, maxSurge: number | string = '25%') => ({
  type: 'RollingUpdate',
  rollingUpdate: { maxUnavailable, maxSurge },
})

describe('isEnoughForHelm', () => {
  it.each<[string, ReturnType<typeof object>, boolean]>([
    ['three of four pods, of which a quarter may lack', object('Deployment', { replicas: 4 }, pods(4, 4, 3)), true],
    ['two of four', object('Deployment', { replicas: 4 }, pods(4, 4, 2)), false],
    ['none of one: a quarter of one is none', object('Deployment', {}, pods(1, 1, 0)), false],
    [
      'three of four where none may lack',
      object('Deployment', { replicas: 4, strategy: rolling(0) }, pods(4, 4, 3)),
      false,
    ],
    [
      'three of four that are made anew together',
      object('Deployment', { replicas: 4, strategy: { type: 'Recreate' } }, pods(4, 4, 3)),
      false,
    ],
    [
      'one that must lack, as none may be too many',
      object('Deployment', { replicas: 2, strategy: rolling(0, 0) }, pods(2, 2, 1)),
      true,
    ],
    ['old pods that are the ready ones', object('Deployment', { replicas: 4 }, pods(5, 1, 4)), false],
    ['what its controller has not seen', object('Deployment', {}, { ...pods(1, 1, 1), observedGeneration: 1 }), false],
    ['a paused one', object('Deployment', { paused: true }, pods(1, 0, 0)), true],
    ['a daemon on nine of ten nodes', object('DaemonSet', { updateStrategy: rolling(1) }, daemons(10, 10, 9)), true],
    ['a daemon on eight', object('DaemonSet', { updateStrategy: rolling(1) }, daemons(10, 10, 8)), false],
    [
      'a daemon of which a part is meant, rounded up',
      object('DaemonSet', { updateStrategy: rolling('15%') }, daemons(10, 10, 8)),
      true,
    ],
    ['an old daemon on one node', object('DaemonSet', {}, daemons(10, 9, 10)), false],
    [
      'daemons that are updated by hand',
      object('DaemonSet', { updateStrategy: { type: 'OnDelete' } }, daemons(10, 0, 0)),
      true,
    ],
    [
      'a StatefulSet that is updated by hand',
      object('StatefulSet', { updateStrategy: { type: 'OnDelete' } }, {}),
      true,
    ],
    ['any other StatefulSet', object('StatefulSet', { replicas: 2 }, { readyReplicas: 1 }), false],
    [
      'a load balancer with an address of its own',
      object('Service', { type: 'LoadBalancer', externalIPs: ['192.0.2.1'] }, {}),
      true,
    ],
    ['one without', object('Service', { type: 'LoadBalancer' }, {}), false],
    ['another kind', object('ReplicaSet', {}, {}), false],
  ])('%s', (_what, given, expected) => {
    expect(isEnoughForHelm(given)).toBe(expected)
  })
})
