import { mergeInventory } from '../../domain/plan/inventory.ts'
import type { DesiredObject } from './desired.ts'
import { writeLedger } from './ledger.ts'
import type { Sync, SyncSourceDeps } from './sync.ts'

/**
 * What is about to be applied is in the stored inventory before the first write (hazard A2), and this process is the one writer until
 * the sync has ended.
 */
export async function writeAhead(
  wanted: readonly DesiredObject[],
  sync: Sync,
  deps: SyncSourceDeps,
  signal: AbortSignal,
): Promise<void> {
  const merged = mergeInventory(sync.inventory, wanted)
  const isNew = merged.size !== sync.inventory.size || !sync.ledger.inventory
  sync.inventory = merged
  if (isNew || sync.ledger.status.holder !== deps.fence.epoch) {
    sync.ledger = await writeLedger(deps, sync.spec, { ...sync.ledger, inventory: merged }, signal)
  }
}
