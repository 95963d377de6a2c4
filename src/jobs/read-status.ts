import type { Cluster } from '../adapters/cluster/index.ts'
import type { Store } from '../adapters/store/index.ts'
import { lookKey, type ReadStatus, statusRef } from '../domain/source/status.ts'
import { parseSourceStatus, readSourceStatus } from '../domain/source/stored-status.ts'

/** The status that syncs keep in the cluster. */
export function statusInCluster(cluster: Pick<Cluster, 'get'>): ReadStatus {
  return async (source, signal) => readSourceStatus(await cluster.get(statusRef(source), { signal }))
}

/** The status that looks keep in the store; undefined also when the store does not answer. */
export function statusInStore(store: Pick<Store, 'get'>): ReadStatus {
  return async ({ namespace, name }) => parseSourceStatus(await store.get(lookKey(namespace, name)))
}
