import type { KubeObject } from '../../manifest/object.ts'
import { conditionOf, isObserved, mapAt, numberAt, saying } from '../fields.ts'
import { failed, type Health, healthy, progressing } from '../health.ts'

/** As `kubectl rollout status`: all pods are of the latest revision, available, and none of an older one is left. */
export function deploymentHealth(deployment: KubeObject): Health {
  if (!isObserved(deployment)) return progressing('the latest change is not seen yet')
  const rollout = conditionOf(deployment, 'Progressing')
  if (rollout?.reason === 'ProgressDeadlineExceeded') return failed(saying(rollout))
  const spec = mapAt(deployment, 'spec')
  const status = mapAt(deployment, 'status')
  const wanted = numberAt(spec, 'replicas', 1)
  const updated = numberAt(status, 'updatedReplicas', 0)
  const old = numberAt(status, 'replicas', 0) - updated
  const available = numberAt(status, 'availableReplicas', 0)
  if (updated < wanted) return progressing(`${updated} of ${wanted} pods updated${spec.paused ? ', paused' : ''}`)
  if (old > 0) return progressing(`${old} old pods still to end`)
  if (available < wanted) return progressing(`${available} of ${wanted} pods available`)
  return healthy
}
