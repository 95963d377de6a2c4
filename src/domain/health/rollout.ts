import type { KubeObject } from '../manifest/object.ts'
import { conditionOf, isSeen, mapAt, numberAt } from './fields.ts'

/** How far a workload's change has come, in fluxd's words and numbers (flux-v1 §23). */
export type Rollout = {
  /** `started`: its controller has not seen the change; a HelmRelease says what its release says, and nothing before that. */
  status: string
  desired: number
  updated: number
  ready: number
  available: number
  outdated: number
  /** What keeps it from going on; empty for nothing. */
  messages: string[]
}

const none: Omit<Rollout, 'status'> = { desired: 0, updated: 0, ready: 0, available: 0, outdated: 0, messages: [] }

/** The rollout of a Deployment, DaemonSet, StatefulSet, CronJob or HelmRelease as the cluster has it. */
export function rolloutOf(object: KubeObject): Rollout {
  if (object.kind === 'Deployment') return told(object, ofDeployment(object))
  if (object.kind === 'DaemonSet') return told(object, ofDaemonSet(object))
  if (object.kind === 'StatefulSet') return told(object, ofStatefulSet(object))
  if (object.kind === 'HelmRelease') {
    const { releaseStatus } = mapAt(object, 'status')
    return { ...none, status: typeof releaseStatus === 'string' ? releaseStatus : '' }
  }
  return { ...none, status: 'ready' }
}

type Counted = Omit<Rollout, 'status'> & { isDone: boolean }

function told(object: KubeObject, { isDone, ...rollout }: Counted): Rollout {
  if (!isSeen(object)) return { ...rollout, status: 'started' }
  if (rollout.messages.length > 0) return { ...rollout, status: 'error' }
  return { ...rollout, status: isDone ? 'ready' : 'updating' }
}

function ofDeployment(object: KubeObject): Counted {
  const status = mapAt(object, 'status')
  const updated = numberAt(status, 'updatedReplicas', 0)
  const progressing = conditionOf(object, 'Progressing')
  const failure = conditionOf(object, 'ReplicaFailure')
  const counts = {
    desired: numberAt(mapAt(object, 'spec'), 'replicas', 1),
    updated,
    ready: numberAt(status, 'readyReplicas', 0),
    available: numberAt(status, 'availableReplicas', 0),
    outdated: numberAt(status, 'replicas', 0) - updated,
    messages: [
      ...(progressing?.status === 'False' ? [progressing.message] : []),
      ...(failure?.status === 'True' ? [failure.message] : []),
    ],
  }
  return { ...counts, isDone: isEven(counts) }
}

function ofDaemonSet(object: KubeObject): Counted {
  const status = mapAt(object, 'status')
  const updated = numberAt(status, 'updatedNumberScheduled', 0)
  const counts = {
    desired: numberAt(status, 'desiredNumberScheduled', 0),
    updated,
    ready: numberAt(status, 'numberReady', 0),
    available: numberAt(status, 'numberAvailable', 0),
    outdated: numberAt(status, 'currentNumberScheduled', 0) - updated,
    messages: [],
  }
  return { ...counts, isDone: isEven(counts) }
}

/** With a partition only the pods behind it are to be updated, yet all must be ready. */
function ofStatefulSet(object: KubeObject): Counted {
  const [spec, status] = [mapAt(object, 'spec'), mapAt(object, 'status')]
  const replicas = numberAt(spec, 'replicas', 1)
  const strategy = mapAt(spec, 'updateStrategy')
  const partition = strategy.type === 'OnDelete' ? 0 : numberAt(mapAt(strategy, 'rollingUpdate'), 'partition', 0)
  const desired = Math.max(0, replicas - partition)
  const isMoving = status.currentRevision !== status.updateRevision
  const updated = numberAt(status, isMoving ? 'updatedReplicas' : 'currentReplicas', 0)
  const ready = numberAt(status, 'readyReplicas', 0)
  const outdated = desired - updated
  const isDone = outdated === 0 && ready === replicas
  return { desired, updated, ready, available: ready, outdated, messages: [], isDone }
}

function isEven({ desired, updated, available, outdated }: Omit<Counted, 'isDone'>): boolean {
  return updated === desired && available === desired && outdated === 0
}
