import type { KubeObject } from '../../manifest/object.ts'
import { conditionOf, mapAt, saying } from '../fields.ts'
import { failed, type Health, healthy, progressing } from '../health.ts'

const stuck = [
  'NamespaceDeletionContentFailure',
  'NamespaceDeletionDiscoveryFailure',
  'NamespaceDeletionGroupVersionParsingFailure',
]

/** Healthy while active; failed when its deletion is stuck, with what holds it. */
export function namespaceHealth(namespace: KubeObject): Health {
  if (mapAt(namespace, 'status').phase !== 'Terminating' && !namespace.metadata.deletionTimestamp) return healthy
  for (const type of stuck) {
    const condition = conditionOf(namespace, type)
    if (condition?.status === 'True') return failed(saying(condition))
  }
  return progressing('is being deleted')
}
