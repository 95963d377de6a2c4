import type { ReleaseRecord } from './record.ts'
import { type RollbackRequest, unanswered } from './rollback-request.ts'
import { lastGoodRevision, type StoredRevision } from './state.ts'

type Known = { wish: RollbackRequest | undefined; record: Pick<ReleaseRecord, 'good' | 'pinned'> | undefined }

/**
 * Where a person goes back to who names no revision: the last good one before what is deployed. Who goes back once more goes further
 * back, never forward to what they turned away from.
 */
export function rollbackTarget(revisions: readonly StoredRevision[], known: Known): number | undefined {
  return lastGoodRevision(revisions, endOf(revisions, known), known.record?.good)
}

/** The target is older than this. */
function endOf(revisions: readonly StoredRevision[], { wish, record }: Known): number {
  const { revision: newest = 0, state } = revisions.at(-1) ?? {}
  if (!wish) return newest
  const made = record?.pinned?.revision ?? 0
  if (unanswered(wish, record)) return Math.min(newest, wish.revision + 1)
  if (made === newest) return wish.revision
  // it failed, and is tried again
  return made === 0 && state !== 'deployed' ? Math.min(newest, wish.revision + 1) : newest
}
