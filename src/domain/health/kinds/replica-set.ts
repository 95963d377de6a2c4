import type { KubeObject } from '../../manifest/object.ts'
import { conditionOf, isSeen, mapAt, numberAt, saying } from '../fields.ts'
import { type Health, healthy, progressing } from '../health.ts'

/** ReplicaSet and ReplicationController: as many pods as wanted, all available. */
export function replicaSetHealth(set: KubeObject): Health {
  if (!isSeen(set)) return progressing('the latest change is not seen yet')
  const status = mapAt(set, 'status')
  const wanted = numberAt(mapAt(set, 'spec'), 'replicas', 1)
  const surplus = numberAt(status, 'replicas', 0) - wanted
  const available = numberAt(status, 'availableReplicas', 0)
  if (available < wanted) return progressing(creationFailure(set) ?? `${available} of ${wanted} pods available`)
  return surplus > 0 ? progressing(`${surplus} pods still to end`) : healthy
}

/** Why pods cannot even be made (a quota, an admission webhook, a service account that is not there), in the API server's words. */
export function creationFailure(object: KubeObject): string | undefined {
  const failure = conditionOf(object, 'ReplicaFailure')
  return failure?.status === 'True' ? saying(failure) : undefined
}
