import type { InventoryEntry } from './inventory.ts'
import type { LiveObject } from './live.ts'

/** Why an object must be applied, or why not. */
export type Verdict =
  | { act: 'apply'; why: 'absent' | 'changed' | 'drifted' | 'unknown' }
  /** It differs from what was applied, and that is only told. */
  | { act: 'report'; why: 'deleted' | 'drifted' }
  | { act: 'nothing' }
  | { act: 'skip'; why: 'ignored in git' | 'ignored in the cluster' | 'being deleted' }

export type CompareFacts = {
  /** Digest of the manifest in git. */
  digest: string
  /** `fluxcd.io/ignore: "true"` in git. */
  ignoredInGit: boolean
  /** What the cluster holds; undefined when it is absent. */
  live: LiveObject | undefined
  /** Label value that an object of this source must carry. */
  mark: string
  /** What we know from the last sync. */
  entry: InventoryEntry | undefined
  /** What to do where somebody else changed what was applied at this very digest. */
  drift: 'correct' | 'warn' | 'off'
  /** What of it is left alone now (left-alone.ts); empty for nothing. */
  left: string
}

/** Compares digests and ownership only; no read of the whole object, no dry run (law 6). */
export function compare(facts: CompareFacts): Verdict {
  const { digest, live, mark, entry } = facts
  if (facts.ignoredInGit) return { act: 'skip', why: 'ignored in git' }
  const wasApplied = isApplied(facts)
  if (!live) return wasApplied && facts.drift !== 'correct' ? left(facts, 'deleted') : { act: 'apply', why: 'absent' }
  if (live.ignore === 'true') return { act: 'skip', why: 'ignored in the cluster' }
  if (live.deleting) return { act: 'skip', why: 'being deleted' }
  if (!wasApplied) return { act: 'apply', why: live.checksum === digest ? 'unknown' : 'changed' }
  if (live.checksum === digest && live.owned === entry?.owned && live.mark === mark) return { act: 'nothing' }
  return facts.drift === 'correct' ? { act: 'apply', why: 'drifted' } : left(facts, 'drifted')
}

/** The last sync put just this there, with the same left alone. */
function isApplied({ digest, entry, left: leftNow }: CompareFacts): boolean {
  return entry?.applied === digest && entry.owned !== '' && (entry.left ?? '') === leftNow
}

function left({ drift }: CompareFacts, why: 'deleted' | 'drifted'): Verdict {
  return drift === 'warn' ? { act: 'report', why } : { act: 'nothing' }
}
