import type { KubeObject } from '../../domain/manifest/object.ts'
import type { Problem } from '../../domain/manifest/problem.ts'
import type { Inventory } from '../../domain/plan/inventory.ts'

/** One object of a parsed file, without its body: what a sync needs when nothing changed. */
export type Head = {
  /** apiVersion, kind, metadata (name, namespace, policy annotations); the whole object for definitions. */
  object: KubeObject
  line: number
  /** Place among the objects of its file. */
  index: number
  /** Digest of the whole manifest. */
  digest: string
}

/** What one blob holds; kept by blob id, so that an unchanged file is never parsed again. */
export type ParsedBlob = { heads: Head[]; problems: Problem[]; warnings: Problem[] }

/** What a process remembers of a source between syncs. Lost without harm: it is read again. */
export type SourceMemory = {
  blobs: Map<string, ParsedBlob>
  inventory: { digest: string; inventory: Inventory } | undefined
  /** Failed syncs in a row; sets the pace of the next try. */
  failures: number
  syncing: boolean
  /** Keys of objects that a watch reported while a sync was running; looked at again at its end. */
  missed: Set<string>
  /** When drift of an object was corrected last, in milliseconds since 1970. */
  corrected: Map<string, number>
}

export type SyncMemory = {
  of(namespace: string, name: string): SourceMemory
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
        inventory: undefined,
        failures: 0,
        syncing: false,
        missed: new Set(),
        corrected: new Map(),
      }
      sources.set(key, made)
      return made
    },
    entries: () => sources.entries(),
  }
}

/** Keeps what comparing needs and drops the rest, so that ten thousand objects stay small in memory. */
export function headObject(object: KubeObject): KubeObject {
  if (object.kind === 'CustomResourceDefinition') return object
  const { name, namespace, annotations } = object.metadata
  const kept = Object.entries(annotations ?? {}).filter(
    ([key]) => key.includes('fluxcd.io/') || key.includes('flux.weave.works/') || key.includes('capstan.dev/'),
  )
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: {
      name,
      ...(namespace ? { namespace } : {}),
      ...(kept.length ? { annotations: Object.fromEntries(kept) } : {}),
    },
  }
}
