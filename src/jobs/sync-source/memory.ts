import type { Ancestor } from '../../domain/manifest/ancestor.ts'
import type { KubeObject } from '../../domain/manifest/object.ts'
import type { Problem } from '../../domain/manifest/problem.ts'
import type { Fights } from '../../domain/plan/fights.ts'
import type { Inventory } from '../../domain/plan/inventory.ts'
import type { SourceDrift, SourceUnhealthy } from '../../domain/source/status.ts'
import type { Rendered } from './render.ts'

/** One object of a parsed file, without its body: what a sync needs when nothing changed. */
export type Head = {
  /** apiVersion, kind, metadata (name, namespace, policy annotations); the whole object for definitions. */
  object: KubeObject
  line: number
  /** Place among the objects of its file. */
  index: number
  /** Digest of the whole manifest. */
  digest: string
  /** It runs a program that Capstan takes the place of. */
  ancestor?: Ancestor
}

/** What one blob holds; kept by blob id, so that an unchanged file is never parsed again. */
export type ParsedBlob = { heads: Head[]; problems: Problem[]; warnings: Problem[]; isFinal: boolean }

/** What a process remembers of a source between syncs. Lost without harm: it is read again. */
export type SourceMemory = {
  blobs: Map<string, ParsedBlob>
  /** How the files were read: what was made of them in another way counts no more. */
  reading: string
  /** What the generators made of a commit. */
  rendered: { commit: string; result: Rendered } | undefined
  /** Time of the last fetch that was taken into account; undefined until this process has fetched once. */
  fetchSeen: string | undefined
  /** Where this process left the marker. */
  marker: { commit: string } | undefined
  /** This process has looked at the sync tag before. */
  hasSeenTag: boolean
  inventory: { digest: string; inventory: Inventory } | undefined
  /** How many restores of the cluster the inventory was looked through for. */
  rewinds: number
  /** The newest commits that are in a revision. */
  history: { commit: string; commits: string[] } | undefined
  /** Failed syncs in a row; sets the pace of the next try. */
  failures: number
  syncing: boolean
  /** Keys of objects that a watch reported while a sync was running; looked at again at its end. */
  missed: Set<string>
  /** Keys of objects that the last sync left as they are: their changes wake no sync, it comes back by itself. */
  leftAlone: ReadonlySet<string>
  /** When drift of an object was corrected last, in milliseconds since 1970. */
  corrected: Map<string, number>
  /** Who takes fields back, and how often. */
  fights: Fights
  /** What was found out about objects that differ and are left so, by key. */
  drift: Map<string, { state: string; drifts: Omit<SourceDrift, 'reason'>[] }>
  /** Health of objects by key, as of a resource version. */
  health: Map<string, { resourceVersion: string; unhealthy: SourceUnhealthy | undefined }>
  /** What the last sync could not list, as it was told. */
  unseen: string
  /** The last sync left objects that were not healthy: any change of an object of the source wakes it. */
  waitsForHealth: boolean
}

export type SyncMemory = {
  of(namespace: string, name: string): SourceMemory
  /** The source is no more. */
  forget(namespace: string, name: string): void
  entries(): Iterable<[string, SourceMemory]>
}

export function createSyncMemory(): SyncMemory {
  const sources = new Map<string, SourceMemory>()
  return {
    of(namespace, name) {
      const key = `${namespace}/${name}`
      const known = sources.get(key)
      if (known) return known
      const made: SourceMemory = {
        blobs: new Map(),
        reading: '',
        rendered: undefined,
        fetchSeen: undefined,
        marker: undefined,
        hasSeenTag: false,
        inventory: undefined,
        rewinds: 0,
        history: undefined,
        failures: 0,
        syncing: false,
        missed: new Set(),
        leftAlone: new Set(),
        corrected: new Map(),
        fights: new Map(),
        drift: new Map(),
        health: new Map(),
        unseen: '',
        waitsForHealth: false,
      }
      sources.set(key, made)
      return made
    },
    forget: (namespace, name) => void sources.delete(`${namespace}/${name}`),
    entries: () => sources.entries(),
  }
}
