import type { Cluster } from '../../adapters/cluster/index.ts'
import { toAppError } from '../../domain/error.ts'
import type { KubeObject } from '../../domain/manifest/object.ts'

/** Everywhere, or, where we may not look everywhere, in these namespaces. Throws what the API server says but for that. */
export async function listWhereAllowed(
  query: { apiVersion: string; kind: string; labelSelector?: string },
  namespaces: readonly string[],
  { cluster }: { cluster: Pick<Cluster, 'list'> },
  signal: AbortSignal,
): Promise<KubeObject[]> {
  try {
    return await cluster.list(query, signal)
  } catch (error) {
    if (toAppError(error).reason !== 'Forbidden') throw error
    const lists = [...new Set(namespaces)].map((namespace) => cluster.list({ ...query, namespace }, signal))
    return (await Promise.all(lists)).flat()
  }
}
