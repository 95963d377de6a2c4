import type { KubeObject } from '../../manifest/object.ts'
import { conditionOf, isObserved, saying } from '../fields.ts'
import { failed, type Health, healthy, progressing } from '../health.ts'

/**
 * The rule for kinds without their own: the conditions Ready, Stalled and Reconciling, as kstatus reads them. A kind that has
 * no Ready condition is healthy once it is stored: a ConfigMap has nothing to wait for.
 */
export function readyHealth(object: KubeObject): Health {
  if (!isObserved(object)) return progressing('its controller has not seen the latest change')
  const stalled = conditionOf(object, 'Stalled')
  if (stalled?.status === 'True') return failed(saying(stalled))
  const reconciling = conditionOf(object, 'Reconciling')
  if (reconciling?.status === 'True') return progressing(saying(reconciling))
  const ready = conditionOf(object, 'Ready')
  if (!ready) return healthy
  const { generation = 0 } = object.metadata
  if ((ready.observedGeneration ?? generation) < generation)
    return progressing('its controller has not seen the latest change')
  return ready.status === 'True' ? healthy : progressing(saying(ready))
}
