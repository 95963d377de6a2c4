import type { KubeObject } from '../../manifest/object.ts'
import { isSeen, mapAt, numberAt } from '../fields.ts'
import { type Health, healthy, progressing } from '../health.ts'

/** A pod on each node that wants one, available and (unless updated by hand, OnDelete) of the latest revision. */
export function daemonSetHealth(daemonSet: KubeObject): Health {
  if (!isSeen(daemonSet)) return progressing('the latest change is not seen yet')
  const status = mapAt(daemonSet, 'status')
  const wanted = numberAt(status, 'desiredNumberScheduled', 0)
  const byHand = mapAt(mapAt(daemonSet, 'spec'), 'updateStrategy').type === 'OnDelete'
  const updated = numberAt(status, 'updatedNumberScheduled', 0)
  if (!byHand && updated < wanted) return progressing(`${updated} of ${wanted} pods updated`)
  const available = numberAt(status, 'numberAvailable', 0)
  return available < wanted ? progressing(`${available} of ${wanted} pods available`) : healthy
}
