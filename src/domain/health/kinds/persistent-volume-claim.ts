import type { KubeObject } from '../../manifest/object.ts'
import { mapAt } from '../fields.ts'
import { failed, type Health, healthy, progressing } from '../health.ts'

/** Healthy when bound. A class that waits for the first consumer stays unbound until a pod uses the claim. */
export function persistentVolumeClaimHealth(claim: KubeObject): Health {
  const { phase } = mapAt(claim, 'status')
  if (phase === 'Bound') return healthy
  return phase === 'Lost' ? failed('its volume is lost') : progressing('is not bound to a volume yet')
}
