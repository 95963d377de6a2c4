import { createHash } from 'node:crypto'
import type { Cluster } from '../adapters/cluster/index.ts'
import type { KubeObject, ObjectRef } from '../domain/manifest/object.ts'
import type { Logger } from '../lib/logger.ts'

export type KubeEvent = { type: 'Normal' | 'Warning'; reason: string; message: string }

/** A Kubernetes Event on an object, in its namespace; one that cannot be written is no failure. Told on a change of outcome only (W15). */
export async function announceOn(
  about: ObjectRef & { namespace: string; uid: string },
  event: KubeEvent,
  deps: { cluster: Pick<Cluster, 'create'>; log: Logger; now: () => Date },
  signal: AbortSignal,
): Promise<void> {
  const { namespace, name, uid } = about
  const now = deps.now().toISOString()
  const id = createHash('sha256').update(`${uid}${now}${event.message}`).digest('hex').slice(0, 16)
  const body: KubeObject = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name.slice(0, 230)}.${id}`, namespace },
    involvedObject: about,
    ...event,
    message: event.message.slice(0, 1_000),
    source: { component: 'capstan' },
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
  }
  await deps.cluster
    .create(body, signal)
    .catch(() => deps.log.debug({ namespace, name }, 'an event could not be written'))
}
