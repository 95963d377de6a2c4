import { randomBytes } from 'node:crypto'
import type { Cluster } from '../../src/adapters/cluster/index.ts'
import type { KubeObject } from '../../src/domain/manifest/object.ts'

/** A node that runs nothing: its pods become what their annotation {@link playsAnnotation} says. */
export type PodPlayer = { node: string; stop(): Promise<void> }

/** `ready`, `succeeded`, `failed`; anything else stays pending. */
export const playsAnnotation = 'test.capstan.dev/plays'

const isTrue = (type: string) => ({ type, status: 'True' })
const statuses: Partial<Record<string, { phase: string; conditions?: { type: string; status: string }[] }>> = {
  ready: { phase: 'Running', conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map(isTrue) },
  succeeded: { phase: 'Succeeded' },
  failed: { phase: 'Failed' },
}

/** Plays the pods of one namespace that name the node. */
export async function startPodPlayer(cluster: Cluster, namespace: string): Promise<PodPlayer> {
  const node = `capstan-test-${randomBytes(4).toString('hex')}`
  await cluster.create({ apiVersion: 'v1', kind: 'Node', metadata: { name: node } })
  const play = (pod: KubeObject) => {
    const status = statuses[pod.metadata.annotations?.[playsAnnotation] ?? '']
    const { phase } = (pod.status ?? {}) as { phase?: string }
    if (!status || (phase === status.phase && isReady(pod) === (phase === 'Running'))) return
    const ref = { apiVersion: 'v1', kind: 'Pod', namespace, name: pod.metadata.name }
    // one that is gone meanwhile needs no status
    cluster
      .patch(ref, { metadata: { uid: pod.metadata.uid }, status }, { subresource: 'status' })
      .catch(() => undefined)
  }
  const query = { apiVersion: 'v1', kind: 'Pod', namespace, fieldSelector: `spec.nodeName=${node}` }
  const watch = cluster.watch(query, (event) => {
    if (event.type === 'replaced') event.items.forEach(play)
    if (event.type === 'changed') play(event.object)
  })
  await watch.synced
  return {
    node,
    async stop() {
      watch.stop()
      await cluster.delete({ apiVersion: 'v1', kind: 'Node', name: node }, {})
    },
  }
}

function isReady({ status }: KubeObject): boolean {
  const { conditions = [] } = (status ?? {}) as { conditions?: { type: string; status: string }[] }
  return conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True')
}
