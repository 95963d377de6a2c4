import type { KubeObject } from '../../manifest/object.ts'
import { conditionOf, saying } from '../fields.ts'
import { type Health, healthy, progressing } from '../health.ts'

/**
 * Healthy when it can read its metrics and scale its target. Scaling switched off (no replicas wanted) is no trouble; a version of
 * the API without conditions tells nothing.
 */
export function horizontalPodAutoscalerHealth(autoscaler: KubeObject): Health {
  for (const type of ['AbleToScale', 'ScalingActive']) {
    const condition = conditionOf(autoscaler, type)
    if (condition?.status === 'False' && condition.reason !== 'ScalingDisabled') return progressing(saying(condition))
  }
  return healthy
}
