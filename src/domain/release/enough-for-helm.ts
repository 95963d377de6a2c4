import { isSeen, listAt, mapAt, numberAt } from '../health/fields.ts'
import type { KubeObject } from '../manifest/object.ts'

/**
 * True where `helm --wait` waits no longer although not all of it is ready (pkg/kube/ready.go of helm 3): a Deployment or DaemonSet may lack
 * as many pods as its strategy allows, what is updated by hand is not waited for, nor a load balancer with addresses of its own.
 */
export function isEnoughForHelm(object: KubeObject): boolean {
  const spec = mapAt(object, 'spec')
  switch (object.kind) {
    case 'Deployment':
      return spec.paused === true || (isSeen(object) && hasEnoughPods(object))
    case 'DaemonSet':
      return isSeen(object) && isDaemonEnough(object)
    case 'StatefulSet':
      return isSeen(object) && mapAt(spec, 'updateStrategy').type === 'OnDelete'
    case 'Service':
      return spec.type === 'LoadBalancer' && listAt(spec, 'externalIPs').length > 0
    default:
      return false
  }
}

/** helm counts the ready pods of the newest ReplicaSet; these are at least all ready ones without the old ones. */
function hasEnoughPods(deployment: KubeObject): boolean {
  const status = mapAt(deployment, 'status')
  const old = numberAt(status, 'replicas', 0) - numberAt(status, 'updatedReplicas', 0)
  const wanted = numberAt(mapAt(deployment, 'spec'), 'replicas', 1)
  return numberAt(status, 'readyReplicas', 0) - old >= wanted - mayLack(deployment, wanted)
}

/** Kubernetes' own defaults and rounding (ResolveFenceposts of its deployment controller). */
function mayLack(deployment: KubeObject, wanted: number): number {
  const strategy = mapAt(mapAt(deployment, 'spec'), 'strategy')
  if (strategy.type === 'Recreate' || wanted === 0) return 0
  const { maxSurge = '25%', maxUnavailable = '25%' } = mapAt(strategy, 'rollingUpdate')
  const lacking = Math.floor(shareOf(maxUnavailable, wanted))
  return lacking === 0 && Math.ceil(shareOf(maxSurge, wanted)) === 0 ? 1 : Math.min(lacking, wanted)
}

function isDaemonEnough(daemonSet: KubeObject): boolean {
  const status = mapAt(daemonSet, 'status')
  const strategy = mapAt(mapAt(daemonSet, 'spec'), 'updateStrategy')
  if (strategy.type === 'OnDelete') return true
  const wanted = numberAt(status, 'desiredNumberScheduled', 0)
  if (numberAt(status, 'updatedNumberScheduled', 0) !== wanted) return false
  const { maxUnavailable = 1 } = mapAt(strategy, 'rollingUpdate')
  return numberAt(status, 'numberReady', 0) >= wanted - Math.ceil(shareOf(maxUnavailable, wanted))
}

/** Of a number, or of a text such as `25%`. */
function shareOf(value: unknown, whole: number): number {
  if (typeof value === 'number') return value
  const percent = Number(/^(\d+)%$/.exec(String(value))?.[1])
  return Number.isNaN(percent) ? 0 : (percent * whole) / 100
}
