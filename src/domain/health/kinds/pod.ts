import type { KubeObject } from '../../manifest/object.ts'
import { conditionOf, listAt, mapAt } from '../fields.ts'
import { failed, type Health, healthy, progressing } from '../health.ts'

/** Healthy when ready, or ended well (whose Ready condition is False). Otherwise the first cause is told. */
export function podHealth(pod: KubeObject): Health {
  const { phase, message } = mapAt(pod, 'status')
  if (phase === 'Succeeded') return healthy
  if (phase === 'Failed') return failed(typeof message === 'string' && message ? message : 'its containers failed')
  const ready = conditionOf(pod, 'Ready')
  if (ready?.status === 'True') return healthy
  const scheduled = conditionOf(pod, 'PodScheduled')
  const unscheduled = scheduled?.status === 'False' ? scheduled.message : ''
  return progressing(unscheduled || waitingContainer(pod) || ready?.message || 'is not ready yet')
}

/** Every container waits for these at first. */
const ordinary = new Set(['', 'ContainerCreating', 'PodInitializing'])

/** What the first container that does not start waits for, e.g. an image that cannot be pulled. */
function waitingContainer(pod: KubeObject): string {
  const status = mapAt(pod, 'status')
  for (const entry of [...listAt(status, 'initContainerStatuses'), ...listAt(status, 'containerStatuses')]) {
    const container = (entry ?? {}) as Record<string, unknown>
    const { reason, message } = mapAt(mapAt(container, 'state'), 'waiting')
    if (typeof reason !== 'string' || ordinary.has(reason)) continue
    return `container ${String(container.name)}: ${reason}${typeof message === 'string' && message ? `, ${message}` : ''}`
  }
  return ''
}
