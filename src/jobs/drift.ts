import { idOf } from '../domain/manifest/object.ts'
import type { InventoryEntry } from '../domain/plan/inventory.ts'
import { type LiveObject, liveKey } from '../domain/plan/live.ts'
import type { Enqueue } from '../domain/work/job.ts'
import type { Logger } from '../lib/logger.ts'
import type { Sources } from './fetch-source.ts'
import type { OwnedObjects } from './owned-objects.ts'
import type { SourceMemory, SyncMemory } from './sync-source/memory.ts'

export type DriftDeps = {
  owned: Pick<OwnedObjects, 'onChange'>
  memory: SyncMemory
  sources: Sources
  enqueue: Enqueue
  log: Logger
  now: () => Date
}

/**
 * Turns what the watches see into work: an object of a source that was deleted or whose fields were taken wakes its sync within
 * a second. The first drift of an object, and every deletion, at once; the same object again at most once per sync interval
 * (ruling 18), so that two managers that fight cost little.
 */
export function watchDrift(deps: DriftDeps): void {
  deps.owned.onChange((live, gone) => {
    const found = ownerOf(liveKey(live), deps)
    if (!found) return
    if (found.memory.syncing) {
      found.memory.missed.add(liveKey(live))
      return
    }
    if (!hasDrifted(found.entry, live, gone)) return
    const { namespace, name, memory } = found
    const delayMs = gone
      ? 0
      : paceMs(liveKey(live), memory.corrected, deps.sources.get(namespace, name)?.syncIntervalMs ?? 0, deps)
    const reason = `${idOf(live.ref)} was ${gone ? 'deleted' : 'changed'} in the cluster`
    deps.enqueue({ kind: 'sync-source', namespace, name, reason, lane: 'change', delayMs }).catch((error: unknown) => {
      deps.log.warn(
        { source: `${namespace}/${name}`, error: String(error) },
        'drift was seen but could not be enqueued; the next resync corrects it',
      )
    })
  })
}

function ownerOf(key: string, { memory }: DriftDeps) {
  for (const [source, of] of memory.entries()) {
    const entry = of.inventory?.inventory.get(key)
    const [namespace = '', name = ''] = source.split('/')
    if (entry) return { entry, memory: of, namespace, name }
  }
  return undefined
}

/** What drifted while the sync was running and stands so still at its end. */
export function missedDrift(memory: SourceMemory, owned: Pick<OwnedObjects, 'get'>): string[] {
  const keys = [...memory.missed]
  memory.missed.clear()
  return keys.filter((key) => {
    const entry = memory.inventory?.inventory.get(key)
    const live = owned.get(key)
    return entry && (live ? hasDrifted(entry, live, false) : entry.applied !== '')
  })
}

/** Pure: does what the watch shows differ from what the last sync left? */
export function hasDrifted(entry: InventoryEntry, live: LiveObject, gone: boolean): boolean {
  if (entry.applied === '') return false
  if (gone) return true
  return live.ignore !== 'true' && (live.owned !== entry.owned || live.checksum !== entry.applied)
}

function paceMs(key: string, corrected: Map<string, number>, intervalMs: number, { now }: DriftDeps): number {
  const at = now().getTime()
  const last = corrected.get(key)
  if (last !== undefined && at - last < intervalMs) return intervalMs - (at - last)
  corrected.set(key, at)
  return 0
}
