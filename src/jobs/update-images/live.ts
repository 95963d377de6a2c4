import pLimit from 'p-limit'
import type { Cluster } from '../../adapters/cluster/index.ts'
import { toAppError } from '../../domain/error.ts'
import type { Update } from '../../domain/image/plan-updates.ts'
import type { LiveState } from '../../domain/image/release.ts'
import type { Workload } from '../../domain/image/workload.ts'
import { ignoreOf } from '../../domain/manifest/annotations.ts'
import type { ObjectRef } from '../../domain/manifest/object.ts'

const atOnce = 16

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

/** How the cluster has these workloads, by ID. */
export async function readLive(
  workloads: readonly Workload[],
  { cluster }: { cluster: Pick<Cluster, 'get'> },
  signal: AbortSignal,
): Promise<Map<string, LiveState>> {
  const limit = pLimit(atOnce)
  const states = workloads.map(({ id, ref }) => limit(async () => [id, await stateOf(ref, cluster, signal)] as const))
  return new Map(await Promise.all(states))
}

async function isIgnored(ref: ObjectRef, cluster: Pick<Cluster, 'get'>, signal: AbortSignal): Promise<boolean> {
  return (await stateOf(ref, cluster, signal)) === 'ignored'
}

/** A kind that the cluster does not serve has no live object. */
async function stateOf(ref: ObjectRef, cluster: Pick<Cluster, 'get'>, signal: AbortSignal): Promise<LiveState> {
  try {
    const live = await cluster.get(ref, { metadataOnly: true, signal })
    if (!live) return 'absent'
    return ignoreOf(live) === 'true' ? 'ignored' : 'there'
  } catch (error) {
    if (toAppError(error).reason === 'UnknownKind') return 'absent'
    throw error
  }
}
