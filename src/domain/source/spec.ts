/** What a source is, with every default filled in. fluxd's flags make exactly one (flux-v1 §26). */
export type SourceSpec = {
  /** Namespace and name by which jobs, API and CLI call it; the flag source is `<--namespace>/<--source-name>`. */
  namespace: string
  name: string
  url: string
  branch: string
  /** Folders or files inside the repository; empty means the root. Never absolute. */
  paths: readonly string[]
  pollIntervalMs: number
  syncIntervalMs: number
  /** Budget of loading and git work of one sync. */
  syncTimeoutMs: number
  /** Delete what left git (`--sync-garbage-collection`). */
  prune: boolean
  /** Only log what would be deleted; wins over `prune`. */
  pruneDry: boolean
  /** Namespaces that may be touched; empty means all (flux-v1 §28). */
  allowedNamespaces: readonly string[]
  /** Where namespaced objects without a namespace go. */
  defaultNamespace: string
}
