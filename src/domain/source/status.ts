import type { ObjectRef } from '../manifest/object.ts'
import type { Reason } from '../status/reason.ts'
import type { Suspension } from '../status/suspension.ts'

/** An object or file that stands still, for people. */
export type SourceFailure = {
  id: string
  file: string
  line: number
  reason: Reason
  message: string
  /** Commit at which it failed, or was held, first. */
  since: string
}

/** An object whose fields in the cluster are not what git says, and that is left so (`drift: warn`, or a fight over a field). */
export type SourceDrift = {
  id: string
  file: string
  line: number
  /** Who changed it; empty when a field or the object is gone. */
  manager: string
  /** RFC 3339 of that change; empty when not known. */
  at: string
  /** As people write them: `.spec.replicas`, the first 20; empty when the whole object is gone. */
  fields: string[]
  /** `DriftFight`: corrected a moment ago and changed again, so it is left until the next sync interval (ruling 18). */
  reason: 'Drifted' | 'DriftFight'
}

/** An object that is not healthy yet, in a source that waits for health. */
export type SourceUnhealthy = { id: string; state: 'progressing' | 'failed'; message: string }

/**
 * What a sync saw; the truth about a source, kept in the cluster (ConfigMap `capstan-source-<name>`, key `status.json`,
 * in the source's namespace). Written only when something in it changed, so an idle resync writes nothing.
 */
export type SourceStatus = {
  version: 1
  /** `branch@<40 hex>` of the last revision that was applied and pruned without failure. */
  revision: string
  /** `branch@<40 hex>` of the last revision that was loaded and tried, as far as it could be read. */
  attempted: string
  /** The same of the last one that was loaded whole and tried: what the marker tells (ruling 13). Absent before that, and from older versions. */
  loaded?: string
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
  /** Since when those failures are known that `failed` has no room for, by commit (failing-since.ts). */
  unlisted?: Record<string, string>
  /** What waits for somebody: deletions (law 8), and objects that run fluxd or the Helm Operator (ruling 6). */
  held: SourceFailure[]
  /** Differences from git that are left as they are, the first 100. */
  drifted: SourceDrift[]
  /** Somebody stopped the source; nothing is applied meanwhile. */
  suspended?: Suspension
  /** The commit behind which nothing is applied, because its signature is not good. */
  refused?: { commit: string; why: string }
  /** A source that waits for health: since when, and the first 20 objects that are not healthy. */
  waiting?: { since: string; count: number; unhealthy: SourceUnhealthy[] }
  /** The sync tag or Secret: the commit that it names, and why it could not be moved. */
  marker?: {
    commit: string
    problem: string
    /** RFC 3339: when somebody else was seen to have moved it last. */
    foreignAt?: string
    /** Id of the tag as we left or noted it, empty for no tag, and what it is the tag of; absent while it is being moved. */
    object?: string
    of?: string
  }
  /** The commit that the branch left by a rewrite, until a revision was tried whole and nothing new failed (hazard D2). */
  rewrittenFrom?: string
  /** Names of the ConfigMaps that hold the inventory, in order, and the digest of its content. */
  inventory: { parts: string[]; digest: string; count: number }
  /**
   * The source of the flags: the sets whose marks its objects may carry, that of now first; what left git with an earlier one still goes.
   * Of any other source it counts for nothing.
   */
  sets?: string[]
  /** Lease of the process that writes; a live other one means OtherWriter. */
  holder: string
  /** RFC 3339, of the last sync that changed anything here. */
  changedAt: string
}

/** What the last fetch saw; a cached fact in the store (key `fetchKey`), derived again when lost. */
export type FetchFact = {
  /** RFC 3339. */
  at: string
  /** 40 hex of what is followed and may be applied, empty when the fetch failed. */
  head: string
  reason: Reason | ''
  message: string
}

/** Redis is untrusted (hazard B7): anything odd is as if it were not there. */
export function parseFetchFact(text: string | undefined): FetchFact | undefined {
  try {
    const { at, head, reason, message } = JSON.parse(text ?? 'null') as FetchFact
    const isFact = [at, head, reason, message].every((field) => typeof field === 'string')
    return isFact ? { at, head, reason, message } : undefined
  } catch {
    return undefined
  }
}

export function fetchKey(namespace: string, name: string): string {
  return `fetch:${namespace}/${name}`
}

/** The ConfigMap that holds a source's status. */
export function statusRef({ namespace, name }: { namespace: string; name: string }): ObjectRef & { namespace: string } {
  return { apiVersion: 'v1', kind: 'ConfigMap', namespace, name: `capstan-source-${name}` }
}

/** Reads the status of a source; undefined when there is none. Throws what the other side says when it cannot be asked. */
export type ReadStatus = (
  source: { namespace: string; name: string },
  signal: AbortSignal,
) => Promise<SourceStatus | undefined>

/** Where the status of a source lies in the store of a Capstan that only looks (`--read-only`): nothing of it is in the cluster. */
export function lookKey(namespace: string, name: string): string {
  return `look:${namespace}/${name}`
}

/** What stands for the status of a source that was never synced. */
export const emptyStatus: SourceStatus = {
  version: 1,
  revision: '',
  attempted: '',
  ready: false,
  reason: 'NotReady',
  message: 'not synced yet',
  objects: 0,
  failed: [],
  failedCount: 0,
  held: [],
  drifted: [],
  inventory: { parts: [], digest: '', count: 0 },
  holder: '',
  changedAt: '',
}
