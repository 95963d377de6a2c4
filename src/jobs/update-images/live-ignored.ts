import type { Cluster } from '../../adapters/cluster/index.ts'
import { toAppError } from '../../domain/error.ts'
import type { Update } from '../../domain/image/plan-updates.ts'
import { ignoreOf } from '../../domain/manifest/annotations.ts'
import type { ObjectRef } from '../../domain/manifest/object.ts'

/** Takes out the updates of workloads whose live object says `ignore`, under any prefix (ruling 16). */
export async function withoutLiveIgnored(
  updates: readonly Update[],
  deps: { cluster: Pick<Cluster, 'get'> },
  signal: AbortSignal,
): Promise<{ updates: Update[]; notes: string[] }> {
  const ignored = new Set<string>()
  const seen = new Set<string>()
  for (const { workload } of updates) {
    if (seen.has(workload.id)) continue
    seen.add(workload.id)
    if (await isIgnored(workload.ref, deps.cluster, signal)) ignored.add(workload.id)
  }
  return {
    updates: updates.filter(({ workload }) => !ignored.has(workload.id)),
    notes: [...ignored].map((id) => `${id} is ignored in the cluster`),
  }
}

/** A kind that the cluster does not serve has no live object. */
async function isIgnored(ref: ObjectRef, cluster: Pick<Cluster, 'get'>, signal: AbortSignal): Promise<boolean> {
  try {
    const live = await cluster.get(ref, { metadataOnly: true, signal })
    return live !== undefined && ignoreOf(live) === 'true'
  } catch (error) {
    if (toAppError(error).reason === 'UnknownKind') return false
    throw error
  }
}
