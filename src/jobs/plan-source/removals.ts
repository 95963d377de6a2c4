import { idOf } from '../../domain/manifest/object.ts'
import type { Change } from '../../domain/plan/change.ts'
import type { Held } from '../../domain/plan/prune.ts'
import { planOf, whyNothing } from '../sync-source/delete.ts'
import type { Sync } from '../sync-source/sync.ts'

export type Removals = { changes: Change[]; held: Held[]; warnings: string[] }

/** What a sync would delete, with its guards; `failed` are the keys of the objects that it could not apply. */
export function planRemovals(sync: Sync, failed: ReadonlySet<string>, now: Date): Removals {
  const { remove, held } = planOf(sync)
  if (remove.length === 0 && held.length === 0) return { changes: [], held: [], warnings: [] }
  const why = whyStays(sync, failed, now)
  if (why)
    return { changes: [], held: [], warnings: [`${remove.length + held.length} objects left git and stay: ${why}`] }
  const changes = remove.map(
    ({ entry }): Change => ({ id: idOf(entry.ref), file: entry.file, line: 0, action: 'deleted' }),
  )
  return { changes, held, warnings: [] }
}

function whyStays(sync: Sync, failed: ReadonlySet<string>, now: Date): string | undefined {
  const { spec } = sync
  if (spec.pruneDry) return 'deletions are only logged (--sync-garbage-collection-dry)'
  if (!spec.prune) return 'this source deletes nothing (--sync-garbage-collection, or prune of the Source)'
  const hasFailure = [...failed].some((key) => isNewFailure(key, sync))
  return whyNothing(sync, hasFailure, now)
}

/** An older failure does not stop pruning. */
function isNewFailure(key: string, { inventory, desired, commit }: Sync): boolean {
  const entry = inventory.get(key)
  const digest = desired.objects.find((object) => object.key === key)?.digest
  return entry?.tried !== digest || entry?.triedAt === commit
}
