import { idOf } from '../domain/manifest/object.ts'
import type { InventoryEntry } from '../domain/plan/inventory.ts'
import { type LiveObject, liveKey } from '../domain/plan/live.ts'
import type { SourceSpec } from '../domain/source/spec.ts'
import type { Enqueue } from '../domain/work/job.ts'
import type { Logger } from '../lib/logger.ts'
import type { Sources } from './sources.ts'
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
 * a second. How often the same object is put back is the sync's own business (ruling 18); what it left alone does not wake it.
 */
export function watchDrift(deps: DriftDeps): void {
  deps.owned.onChange((live, gone) => {
    const found = ownerOf(liveKey(live), deps)
    if (!found) return
    const { namespace, name, memory } = found
    if (memory.syncing) {
      memory.missed.add(liveKey(live))
      return
    }
    if (memory.waitsForHealth)
      wake(found, { reason: 'objects changed while it waits for their health', delayMs: healthPauseMs }, deps)
    if (!hasDrifted(found.entry, live, gone) || deps.sources.get(namespace, name)?.drift === 'off') return
    if (memory.leftAlone.has(liveKey(live))) return
    const reason = `${idOf(live.ref)} was ${gone ? 'deleted' : 'changed'} in the cluster`
    wake(found, { reason, delayMs: 0 }, deps)
  })
}

/** Changes of many objects at once, as in a rollout, are looked at together. */
const healthPauseMs = 500

function wake(
  { namespace, name }: { namespace: string; name: string },
  { reason, delayMs }: { reason: string; delayMs: number },
  { enqueue, log }: DriftDeps,
): void {
  enqueue({ kind: 'sync-source', namespace, name, reason, lane: 'change', delayMs }).catch((error: unknown) => {
    log.warn(
      { source: `${namespace}/${name}`, error: String(error) },
      'a change was seen but could not be enqueued; the next resync finds it',
    )
  })
}

/** Asked at each change of any object, so with nothing made for the sources that do not have it. */
function ownerOf(key: string, { memory }: DriftDeps): Owner | undefined {
  let named: Owner | undefined
  for (const [source, of] of memory.entries()) {
    const entry = of.inventory?.inventory.get(key)
    if (!entry) continue
    const [namespace = '', name = ''] = source.split('/')
    const owner = { entry, memory: of, namespace, name }
    if (entry.applied !== '') return owner
    // another source may have applied it, while this one only names it
    named ??= owner
  }
  return named
}

type Owner = { entry: InventoryEntry; memory: SourceMemory; namespace: string; name: string }

/** What drifted while the sync was running and stands so still at its end. */
export function missedDrift(
  { drift }: Pick<SourceSpec, 'drift'>,
  memory: SourceMemory,
  owned: Pick<OwnedObjects, 'get'>,
): string[] {
  const keys = [...memory.missed]
  memory.missed.clear()
  if (drift === 'off') return []
  return keys.filter((key) => {
    if (memory.leftAlone.has(key)) return false
    const entry = memory.inventory?.inventory.get(key)
    const live = owned.get(key)
    return entry && (live ? hasDrifted(entry, live, false) : entry.applied !== '')
  })
}

/** Pure: does what the watch shows differ from what the last sync left? */
export function hasDrifted(entry: InventoryEntry, live: LiveObject, gone: boolean): boolean {
  if (entry.applied === '') return false
  if (gone) return true
  // fields of it are fought over: the sync that left them comes back by itself
  if (entry.owned === '') return live.ignore !== 'true' && live.checksum !== entry.applied
  return live.ignore !== 'true' && (live.owned !== entry.owned || live.checksum !== entry.applied)
}
