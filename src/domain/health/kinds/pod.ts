import type { KubeObject } from '../../manifest/object.ts'
import { conditionOf, mapAt } from '../fields.ts'
import { failed, type Health, healthy, progressing } from '../health.ts'

/** Healthy when ready, or ended well (whose Ready condition is False). */
export function podHealth(pod: KubeObject): Health {
  const { phase, message } = mapAt(pod, 'status')
  if (phase === 'Succeeded') return healthy
  if (phase === 'Failed') return failed(typeof message === 'string' && message ? message : 'its containers failed')
  const ready = conditionOf(pod, 'Ready')
  return ready?.status === 'True' ? healthy : progressing(ready?.message || 'is not ready yet')
}
