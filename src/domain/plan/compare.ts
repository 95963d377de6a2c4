import type { InventoryEntry } from './inventory.ts'
import type { LiveObject } from './live.ts'

/** Why an object must be applied, or why not. */
export type Verdict =
  | { act: 'apply'; why: 'absent' | 'changed' | 'drifted' | 'unknown' }
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
}

/** Compares digests and ownership only; no read of the whole object, no dry run (law 6). */
export function compare({ digest, ignoredInGit, live, mark, entry }: CompareFacts): Verdict {
  if (ignoredInGit) return { act: 'skip', why: 'ignored in git' }
  if (!live) return { act: 'apply', why: 'absent' }
  if (live.ignore === 'true') return { act: 'skip', why: 'ignored in the cluster' }
  if (live.deleting) return { act: 'skip', why: 'being deleted' }
  if (live.checksum !== digest) return { act: 'apply', why: entry && entry.applied !== digest ? 'changed' : 'drifted' }
  if (!entry || entry.owned === '') return { act: 'apply', why: 'unknown' }
  if (live.owned !== entry.owned || live.mark !== mark) return { act: 'apply', why: 'drifted' }
  return { act: 'nothing' }
}
