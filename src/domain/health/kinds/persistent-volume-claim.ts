import type { KubeObject } from '../../manifest/object.ts'
import { mapAt } from '../fields.ts'
import { failed, type Health, healthy, progressing } from '../health.ts'

/** The volume controller writes these once it has asked somebody for a volume, or a pod was scheduled that needs it. */
const underWay = [
  'volume.kubernetes.io/selected-node',
  'volume.kubernetes.io/storage-provisioner',
  'volume.beta.kubernetes.io/storage-provisioner',
]

/**
 * Healthy when bound. A claim of a class that binds at first use (WaitForFirstConsumer) stays pending until a pod wants it, which
 * may be never: it is healthy too, and the pod's own workload tells when no volume comes.
 */
export function persistentVolumeClaimHealth(claim: KubeObject): Health {
  const { phase } = mapAt(claim, 'status')
  if (phase === 'Bound') return healthy
  if (phase === 'Lost') return failed('its volume is lost')
  return phase === 'Pending' && waitsForConsumer(claim) ? healthy : progressing('is not bound to a volume yet')
}

function waitsForConsumer({ metadata, spec }: KubeObject): boolean {
  const { storageClassName, volumeName } = (spec ?? {}) as Record<string, unknown>
  return Boolean(storageClassName) && !volumeName && !underWay.some((key) => metadata.annotations?.[key])
}
