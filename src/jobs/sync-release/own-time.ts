import type { ReleaseRecord } from '../../domain/release/record.ts'
import { memoryOf, type ReleaseMemory } from './memory.ts'

/**
 * The record with a back-off that this process can wait for: what was tried in the future of its clock was written by a clock that is
 * ahead, or before this one went back (hazard F3). It waits then as long as the back-off was, from when this process saw it first.
 */
export function inOwnTime(
  record: ReleaseRecord | undefined,
  { key, now }: { key: string; now: number },
  deps: { memory?: ReleaseMemory },
): ReleaseRecord | undefined {
  const { ahead } = memoryOf(deps)
  const failed = record?.failed
  const at = Date.parse(failed?.at ?? '')
  if (!record || !failed || !(at > now)) {
    ahead.delete(key)
    return record
  }
  const seen = ahead.get(key)
  const from = seen?.at === failed.at && seen.from <= now ? seen.from : now
  ahead.set(key, { at: failed.at, from })
  const waitMs = Math.max(Date.parse(failed.retryAt) - at, 0)
  const times = { at: new Date(from).toISOString(), retryAt: new Date(from + waitMs).toISOString() }
  return { ...record, failed: { ...failed, ...times } }
}
