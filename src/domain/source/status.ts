import type { KubeObject, ObjectRef } from '../manifest/object.ts'
import type { Reason } from '../status/reason.ts'

/** An object or file that stands still, for people. */
export type SourceFailure = {
  id: string
  file: string
  line: number
  reason: Reason
  message: string
  /** Commit at which it failed first. */
  since: string
}

/**
 * What a sync saw; the truth about a source, kept in the cluster (ConfigMap `capstan-source-<name>`, key `status.json`,
 * in the source's namespace). Written only when something in it changed, so an idle resync writes nothing.
 */
export type SourceStatus = {
  version: 1
  /** `branch@<40 hex>` of the last revision that was applied and pruned without failure. */
  revision: string
  /** `branch@<40 hex>` of the last revision that was loaded and tried. */
  attempted: string
  ready: boolean
  reason: Reason | ''
  /** One sentence: what happened, or "120 objects applied". */
  message: string
  /** Objects in the inventory. */
  objects: number
  /** First 100 failures. */
  failed: SourceFailure[]
  /** How many failed in all. */
  failedCount: number
  /** Deletions that wait for somebody (law 8). */
  held: SourceFailure[]
  /** Names of the ConfigMaps that hold the inventory, in order, and the digest of its content. */
  inventory: { parts: string[]; digest: string; count: number }
  /** Lease of the process that writes; a live other one means OtherWriter. */
  holder: string
  /** RFC 3339, of the last sync that changed anything here. */
  changedAt: string
}

/** What the last fetch saw; a cached fact in the store (key `fetchKey`), derived again when lost. */
export type FetchFact = {
  /** RFC 3339. */
  at: string
  /** 40 hex of the branch, empty when the fetch failed. */
  head: string
  reason: Reason | ''
  message: string
}

export function fetchKey(namespace: string, name: string): string {
  return `fetch:${namespace}/${name}`
}

/** The ConfigMap that holds a source's status. */
export function statusRef({ namespace, name }: { namespace: string; name: string }): ObjectRef & { namespace: string } {
  return { apiVersion: 'v1', kind: 'ConfigMap', namespace, name: `capstan-source-${name}` }
}

/** The status in that ConfigMap; undefined when there is none, or when it is not ours or of a version that we do not know. */
export function readSourceStatus(found: KubeObject | undefined): SourceStatus | undefined {
  const text = (found?.data as Record<string, string> | undefined)?.['status.json']
  if (!text) return undefined
  try {
    const value = JSON.parse(text) as SourceStatus
    return value.version === 1 ? value : undefined
  } catch {
    return undefined
  }
}

/** The commit since which this failure is known: the one of an earlier status that has it, else the given one. */
export function failingSince(
  failure: Pick<SourceFailure, 'id' | 'file' | 'reason'>,
  earlier: readonly SourceFailure[],
  commit: string,
): string {
  const same = earlier.find(
    ({ id, file, reason }) => id === failure.id && file === failure.file && reason === failure.reason,
  )
  return same?.since || commit
}
