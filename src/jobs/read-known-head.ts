import type { Cluster } from '../adapters/cluster/index.ts'
import { parseRevision } from '../domain/source/revision.ts'
import type { SourceSpec } from '../domain/source/spec.ts'
import { type Head, readHead, type ReadHeadDeps } from './read-head.ts'
import { statusInCluster } from './read-status.ts'

/** As {@link readHead}: nothing is verified again that the last sync has verified, so that a long history costs nothing. */
export async function readKnownHead(
  spec: SourceSpec,
  deps: ReadHeadDeps & { cluster: Pick<Cluster, 'get'> },
  signal: AbortSignal,
): Promise<Head> {
  const status = spec.verify === 'none' ? undefined : await statusInCluster(deps.cluster)(spec, signal)
  return await readHead(spec, deps, signal, parseRevision(status?.attempted ?? '')?.commit)
}
