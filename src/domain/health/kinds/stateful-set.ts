import type { KubeObject } from '../../manifest/object.ts'
import { isSeen, mapAt, numberAt } from '../fields.ts'
import { type Health, healthy, progressing } from '../health.ts'

/** All pods ready; and, unless they are updated by hand (OnDelete), those above the partition of the latest revision. */
export function statefulSetHealth(statefulSet: KubeObject): Health {
  if (!isSeen(statefulSet)) return progressing('the latest change is not seen yet')
  const spec = mapAt(statefulSet, 'spec')
  const status = mapAt(statefulSet, 'status')
  const wanted = numberAt(spec, 'replicas', 1)
  const ready = numberAt(status, 'readyReplicas', 0)
  if (ready < wanted) return progressing(`${ready} of ${wanted} pods ready`)
  const strategy = mapAt(spec, 'updateStrategy')
  if (strategy.type === 'OnDelete' || status.currentRevision === status.updateRevision) return healthy
  const partition = numberAt(mapAt(strategy, 'rollingUpdate'), 'partition', 0)
  const toUpdate = Math.max(0, wanted - partition)
  const updated = numberAt(status, 'updatedReplicas', 0)
  return updated < toUpdate ? progressing(`${updated} of ${toUpdate} pods updated`) : healthy
}
