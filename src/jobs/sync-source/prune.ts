import type { Cluster } from '../../adapters/cluster/index.ts'
import { toAppError } from '../../domain/error.ts'
import { idOf } from '../../domain/manifest/object.ts'
import type { Change } from '../../domain/plan/change.ts'
import { liveObject } from '../../domain/plan/live.ts'
import type { PrunePlan } from '../../domain/plan/prune.ts'
import type { Fence } from '../../domain/work/fence.ts'
import { settleAll } from './settle-all.ts'

export type PruneDeps = { cluster: Pick<Cluster, 'get' | 'delete'>; fence: Fence }

type Removal = PrunePlan['remove'][number]

const atOnce = 40

/**
 * Deletes what left git, in the reverse of the apply order. Each object is read again first, from the API server itself, and
 * deleted with its uid and resource version as preconditions, so that nothing recreated or taken over in between goes
 * (hazards A9, C8). Gives the keys that are gone and a change for each.
 */
export async function prune(
  stages: readonly (readonly Removal[])[],
  deps: PruneDeps,
  signal: AbortSignal,
): Promise<{ gone: string[]; changes: Change[] }> {
  const gone: string[] = []
  const changes: Change[] = []
  for (const stage of stages) {
    const results = await settleAll(stage, atOnce, (removal) => removeOne(removal, deps, signal))
    for (const result of results) {
      if (result.gone) gone.push(result.key)
      if (result.change) changes.push(result.change)
    }
  }
  return { gone, changes }
}

type Removed = { key: string; gone: boolean; change?: Change }

async function removeOne({ key, entry, live }: Removal, deps: PruneDeps, signal: AbortSignal): Promise<Removed> {
  const about = { id: idOf(entry.ref), file: entry.file, line: 0 }
  try {
    signal.throwIfAborted()
    const found = await deps.cluster.get(entry.ref, { metadataOnly: true, signal })
    if (!found) return { key, gone: true }
    const fresh = liveObject(found)
    if (fresh.uid !== live.uid || fresh.mark !== live.mark) return { key, gone: true }
    if (fresh.ignore !== '' || fresh.hasOwner || fresh.deleting) return { key, gone: false }
    deps.fence.check()
    await deps.cluster.delete(entry.ref, { uid: fresh.uid, resourceVersion: fresh.resourceVersion }, signal)
    return { key, gone: true, change: { ...about, action: 'deleted' } }
  } catch (error) {
    const failure = toAppError(error)
    if (signal.aborted || failure.reason === 'ClusterUnavailable' || failure.reason === 'FenceLost') throw failure
    return {
      key,
      gone: false,
      change: { ...about, action: 'failed', reason: failure.reason, message: failure.message },
    }
  }
}
