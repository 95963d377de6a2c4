import type { KubeObject } from '../../manifest/object.ts'
import { conditionOf, isSeen, saying } from '../fields.ts'
import { type Health, healthy, progressing } from '../health.ts'

/** Healthy once it was counted. That no disruption is allowed just now is what it is for. */
export function podDisruptionBudgetHealth(budget: KubeObject): Health {
  if (!isSeen(budget)) return progressing('the latest change is not seen yet')
  const allowed = conditionOf(budget, 'DisruptionAllowed')
  return allowed?.reason === 'SyncFailed' ? progressing(saying(allowed)) : healthy
}
