import type { Suspension } from '../status/suspension.ts'

/** What of a repository is followed. `semver` is a range over its tags, highest first. */
export type GitRef = { kind: 'branch' | 'tag' | 'semver' | 'commit'; value: string }

/** Which part of which objects git leaves alone: fields by JSON pointer (RFC 6901), of all objects or of the named ones. */
export type IgnoreRule = {
  /** JSON pointers into the object, e.g. `/spec/replicas`. */
  pointers: readonly string[]
  /** Only objects of this kind, name or namespace; what is absent does not restrict. */
  kind?: string
  name?: string
  namespace?: string
}

/** What a source is, with every default filled in. fluxd's flags make exactly one (flux-v1 §26); `Source` objects make the others. */
export type SourceSpec = {
  /** Namespace and name by which jobs, API and CLI call it; the flag source is `<--namespace>/<--source-name>`. */
  namespace: string
  name: string
  /** `flags`: made by --git-url, with fluxd's defaults; `resource`: a Source object, with ours. */
  origin: 'flags' | 'resource'
  url: string
  ref: GitRef
  /** The branch that is followed and committed to; empty when a tag, range or commit is followed. */
  branch: string
  /** Folders or files inside the repository; empty means the root. Never absolute. */
  paths: readonly string[]
  /** gitignore patterns, from the root of the repository: what is not included or is excluded is not read. Empty includes all. */
  include: readonly string[]
  exclude: readonly string[]
  /** Bytes of all files together, and objects: with more than this nothing is applied (ruling 15). */
  maxBytes: number
  maxObjects: number
  pollIntervalMs: number
  syncIntervalMs: number
  /** Budget of loading, generators and git work of one sync. */
  syncTimeoutMs: number
  /** Delete what left git (`--sync-garbage-collection`). */
  prune: boolean
  /** Only log what would be deleted; wins over `prune`. */
  pruneDry: boolean
  /** Namespaces that may be touched; empty means all (flux-v1 §28). */
  allowedNamespaces: readonly string[]
  /** Where namespaced objects without a namespace go. */
  defaultNamespace: string
  /** Where all namespaced objects go, whatever they say; empty leaves them. */
  targetNamespace: string
  /** Service account, in the source's namespace, whose rights are used; empty: Capstan's own. */
  serviceAccount: string
  /** Globs over `group/version/` and `group/version/Kind`: objects of these kinds are left alone (flux-v1 §10). */
  excludeResources: readonly string[]
  /** Objects that are in no namespace are left out (`--tenants`). */
  namespacedOnly: boolean
  /** Run the generators of `.flux.yaml` (`--manifest-generation`). */
  generate: boolean
  /** Folders with a kustomization are built: always, where there is one, or never (ruling 8). */
  render: 'auto' | 'kustomize' | 'plain'
  /** Decrypt files with sops before they are read. */
  sops: boolean
  /** Whose keys open them: Capstan's, those of `sopsSecretName`, or nobody's (a Source object without a Secret, with `--tenants`). */
  sopsKeys: 'operator' | 'secret' | 'none'
  /** Secret, in the source's namespace, with age and PGP keys; empty for none. */
  sopsSecretName: string
  /** Run `git secret reveal` before files are read. */
  gitSecret: boolean
  /** Which commits must be signed by a known key; no commit behind a bad one is applied (flux-v1 §13). */
  verify: 'none' | 'all' | 'first-parent'
  /** Where the marker of what was synced is kept (ruling 13). */
  syncState: 'git' | 'secret' | 'cluster'
  /** Names of the tag and of the notes ref; full names are `refs/tags/…` and `refs/notes/…`. */
  syncTag: string
  notesRef: string
  /** Never push to the repository. */
  readonly: boolean
  /** What happens to fields that somebody else changed: put back, only reported, or not looked at. */
  drift: 'correct' | 'warn' | 'off'
  ignore: readonly IgnoreRule[]
  /** Git also wins over a HorizontalPodAutoscaler (ruling 18). */
  overruleAutoscalers: boolean
  /** Sources that must be ready first, by namespace and name. */
  dependsOn: readonly { namespace: string; name: string }[]
  suspended: Suspension | undefined
  /** Ready only when all objects are healthy, within `waitTimeoutMs` of the apply. */
  wait: boolean
  waitTimeoutMs: number
  /** Secret, in the source's namespace, with the credentials for git; empty: those of the flags, or none for a Source object. */
  secretName: string
  /** Which state of the Source object this was read from; absent for the flags. */
  object?: SourceObject
}

/** A Source object as it was when its spec was read. */
export type SourceObject = {
  uid: string
  generation: number
  /** Value of the annotation by which a person or a tool asks for a sync; empty when there is none. */
  request: string
}

/** What fluxd did where no flag said otherwise, and what it did not know set to "as before". */
export const fluxdSource = {
  origin: 'flags',
  include: [],
  exclude: [],
  maxBytes: 200_000_000,
  maxObjects: 100_000,
  prune: false,
  pruneDry: false,
  allowedNamespaces: [],
  targetNamespace: '',
  serviceAccount: '',
  excludeResources: [],
  namespacedOnly: false,
  generate: false,
  render: 'plain',
  sops: false,
  sopsKeys: 'operator',
  sopsSecretName: '',
  gitSecret: false,
  verify: 'none',
  syncState: 'git',
  syncTag: 'flux-sync',
  notesRef: 'flux',
  readonly: false,
  drift: 'correct',
  ignore: [],
  overruleAutoscalers: false,
  dependsOn: [],
  suspended: undefined,
  wait: false,
  waitTimeoutMs: 300_000,
  secretName: '',
} as const satisfies Partial<SourceSpec>
