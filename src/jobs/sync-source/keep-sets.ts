import { syncSetsOf } from '../../domain/source/sync-set.ts'
import { writeLedger } from './ledger.ts'
import type { Sync, SyncSourceDeps } from './sync.ts'

/**
 * Notes in the status under which names the source of the flags owns objects, before any is given the mark of a new one: killed in
 * between, the next run still knows the earlier ones. Where there is no inventory yet it is stored together with that.
 */
export async function keepSets(sync: Sync, deps: SyncSourceDeps, signal: AbortSignal): Promise<void> {
  const { spec, ledger } = sync
  if (spec.origin !== 'flags') return
  const sets = syncSetsOf(spec, ledger.status.sets)
  if (sets.join() === ledger.status.sets?.join()) return
  sync.ledger = { ...ledger, status: { ...ledger.status, sets } }
  if (ledger.inventory) sync.ledger = await writeLedger(deps, spec, { ...sync.ledger, release: true }, signal)
}
