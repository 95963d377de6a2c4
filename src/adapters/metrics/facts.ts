/** One run of a job. `isFlux`: it is about the source that fluxd's metrics speak of (ruling 19). */
export type JobEnded = {
  kind: string
  outcome: 'done' | 'again' | 'failed'
  seconds: number
  /** How long it waited before; left out where nobody knows. */
  waitedSeconds?: number
  isFlux: boolean
}

/** One sync of a source; `objects` is how many it has. `isFlux`: fluxd's metrics speak of it (ruling 19). */
export type SyncEnded = {
  namespace: string
  name: string
  success: boolean
  seconds: number
  changes: readonly { action: string }[]
  objects: number
  isFlux: boolean
}

/** One action of helm on a release, or a whole run (`sync`). */
export type ReleaseEnded = {
  /** Name of the helm release. */
  release: string
  /** Where the helm release lies. */
  targetNamespace: string
  action: 'sync' | 'install' | 'upgrade' | 'rollback' | 'uninstall' | 'test'
  success: boolean
  seconds: number
}

/** One answer of the API; `route` is the pattern, empty where none matched. */
export type Answer = { method: string; route: string; status: number; seconds: number }

/** One request to a registry of images. */
export type RegistryAsked = { kind: 'tags' | 'metadata'; success: boolean; seconds: number }

/** One look into what is known of images; `isRepository`: into what is known of a whole repository. */
export type CacheAsked = { method: 'GetKey' | 'SetKey'; success: boolean; seconds: number; isRepository: boolean }

/** One release of images, by fluxd's words for it. */
export type ImagesReleased = { type: string; kind: string; success: boolean; seconds: number }

/** Jobs by kind and state, and how long the first of each kind has waited, in milliseconds. */
export type QueueFacts = {
  counts: Readonly<Record<string, Readonly<Record<string, number>>>>
  oldestWaitMs: Readonly<Record<string, number>>
  /** The same by lane, of all kinds together. */
  lanes: Readonly<Record<string, { waiting: number; active: number; oldestWaitMs: number }>>
  /** Jobs that wait to write to git, of the source that fluxd's metrics speak of. */
  fluxWaiting: number
}

/** What there is of something, by how it stands. */
export type Standing = {
  releases: readonly { state: string; ready: boolean }[]
  sources: readonly { ready: boolean }[]
}

/** A release and its conditions, as they are in the cluster. */
export type ReleaseFacts = {
  targetNamespace: string
  release: string
  conditions: readonly { type: string; status: string }[]
}
