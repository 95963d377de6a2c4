import type { KubeObject } from '../../manifest/object.ts'
import { conditionOf, isSeen, mapAt, numberAt, saying } from '../fields.ts'
import { failed, type Health, healthy, progressing } from '../health.ts'
import { creationFailure } from './replica-set.ts'

/** As `kubectl rollout status`: all pods are of the latest revision, available, and none of an older one is left. */
export function deploymentHealth(deployment: KubeObject): Health {
  if (!isSeen(deployment)) return progressing('the latest change is not seen yet')
  const rollout = conditionOf(deployment, 'Progressing')
  const cause = creationFailure(deployment)
  if (rollout?.reason === 'ProgressDeadlineExceeded') return failed(cause ?? saying(rollout))
  const missing = missingPods(deployment)
  return missing === undefined ? healthy : progressing(cause ?? missing)
}

function missingPods(deployment: KubeObject): string | undefined {
  const spec = mapAt(deployment, 'spec')
  const status = mapAt(deployment, 'status')
  const wanted = numberAt(spec, 'replicas', 1)
  const updated = numberAt(status, 'updatedReplicas', 0)
  const old = numberAt(status, 'replicas', 0) - updated
  const available = numberAt(status, 'availableReplicas', 0)
  if (updated < wanted) return `${updated} of ${wanted} pods updated${spec.paused ? ', paused' : ''}`
  if (old > 0) return `${old} old pods still to end`
  return available < wanted ? `${available} of ${wanted} pods available` : undefined
}
