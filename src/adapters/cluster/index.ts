import type { KubeObject, ObjectRef } from '../../domain/manifest/object.ts'

/** A kind that the API server serves. */
export type ApiResource = {
  group: string
  version: string
  kind: string
  plural: string
  namespaced: boolean
  verbs: readonly string[]
}

export type ApplyOptions = {
  /** Take fields over from other managers. Without it a conflict is refused first, so that its managers can be named. */
  force: boolean
  dryRun?: boolean
  /** Field manager; default `capstan`. */
  fieldManager?: string
}

/** What the API server answered to a server-side apply. */
export type Applied = {
  /** The object as it is now, managedFields included. */
  object: KubeObject
  created: boolean
  warnings: string[]
  /** Managers overruled by force, as `manager: .spec.replicas, .spec.x`. Empty when there was no conflict. */
  overruled: string[]
}

export type ListQuery = {
  apiVersion: string
  kind: string
  namespace?: string
  labelSelector?: string
  fieldSelector?: string
  /** Only metadata (PartialObjectMetadata): far cheaper for the server and for us. */
  metadataOnly?: boolean
}

export type WatchEvent =
  /** The complete state after each list: replace what you hold. */
  | { type: 'replaced'; items: KubeObject[] }
  | { type: 'changed'; object: KubeObject }
  | { type: 'deleted'; object: KubeObject }

export type Watch = {
  /** Resolves after the first complete list. */
  synced: Promise<void>
  stop(): void
}

/**
 * The Kubernetes API. Every call has a deadline (30 s, apply 60 s) and takes the job's signal. Errors are AppError:
 * `ClusterUnavailable` (not reached, timeout, 5xx), `RateLimited` (429, after its own retries), `Forbidden`, `UnknownKind`
 * (kind not served), `ApplyRefused`, `ImmutableField`, `FieldConflict` (409 from apply without force), `OtherWriter`
 * (409 from a write with resourceVersion). Could-not-read is never absent: `get` gives undefined for 404 of a served kind only.
 */
export type Cluster = {
  /** `https://host:port` of the API server. */
  readonly server: string
  /** gitVersion of the server, e.g. `v1.36.3`. */
  version(signal?: AbortSignal): Promise<string>
  /** The served resource of a kind, from cached discovery; refreshed at most once a second when the kind is not known. */
  resource(apiVersion: string, kind: string, signal?: AbortSignal): Promise<ApiResource | undefined>
  /** Every served resource (preferred versions and others), for mapping and for tests. */
  resources(signal?: AbortSignal): Promise<ApiResource[]>
  /** Forget cached discovery, e.g. after a CRD was applied. */
  forgetDiscovery(): void
  get(ref: ObjectRef, options?: { metadataOnly?: boolean; signal?: AbortSignal }): Promise<KubeObject | undefined>
  /** The whole list, paged by 500. */
  list(query: ListQuery, signal?: AbortSignal): Promise<KubeObject[]>
  /** Server-side apply of exactly this object, as it is (nothing stripped, bigint kept exact). */
  apply(object: KubeObject, options: ApplyOptions, signal?: AbortSignal): Promise<Applied>
  create(object: KubeObject, signal?: AbortSignal): Promise<KubeObject>
  /** PUT with the object's resourceVersion: somebody else's write in between is `OtherWriter`. */
  replace(object: KubeObject, signal?: AbortSignal): Promise<KubeObject>
  /** JSON merge patch of an object or of its `status` subresource. */
  patch(
    ref: ObjectRef,
    patch: Record<string, unknown>,
    options?: { subresource?: 'status'; signal?: AbortSignal },
  ): Promise<KubeObject>
  /** With preconditions; `absent` when it was gone already. Background propagation, never waits for finalizers. */
  delete(
    ref: ObjectRef,
    preconditions: { uid?: string; resourceVersion?: string },
    signal?: AbortSignal,
  ): Promise<'deleted' | 'absent'>
  /**
   * Own reflector: paged list, then watch with bookmarks and timeoutSeconds; relists on 410, on silence and on three closes
   * without events; jittered back-off ≤ 30 s; goes on until stopped. A kind that is not served yet is looked for again.
   */
  watch(query: ListQuery, onEvent: (event: WatchEvent) => void): Watch
  /** Ends all watches and connections. */
  close(): Promise<void>
}
