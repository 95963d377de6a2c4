/** Who asks for an update, and why; fluxd's field names, since commit notes and its API have them (flux-v1 §16). */
export type UpdateCause = { Message: string; User: string }

/** Releases one image, or the newest of all, to workloads. */
export type ImageSpec = {
  /** IDs, or `<all>`. */
  ServiceSpecs: readonly string[]
  /** An image with its tag, or `<all latest>`. */
  ImageSpec: string
  Kind: 'plan' | 'execute'
  Excludes: readonly string[]
  Force: boolean
}

/** One container and the image it is to have. Without `Current` it does not matter what it has. */
export type ContainerUpdate = { Container: string; Current?: string; Target: string }

/** Releases chosen images to chosen containers. */
export type ContainersSpec = {
  Kind: 'plan' | 'execute'
  ContainerSpecs: Readonly<Record<string, readonly ContainerUpdate[]>>
  SkipMismatches: boolean
  Force: boolean
}

/** Policies to set and to take away, by name without prefix (flux-v1 §19). */
export type PolicyChange = { add: Readonly<Record<string, string>>; remove: Readonly<Record<string, string>> }

/** Changes of a repository that people ask for; `auto` is Capstan's own. */
export type UpdateSpec =
  | { type: 'image'; cause: UpdateCause; spec: ImageSpec }
  | { type: 'containers'; cause: UpdateCause; spec: ContainersSpec }
  | { type: 'policy'; cause: UpdateCause; spec: Readonly<Record<string, PolicyChange>> }

/** In place of IDs: every workload. */
export const allWorkloads = '<all>'
/** In place of an image: for each container the one that its policy chooses. */
export const allLatest = '<all latest>'

/** How one workload fared, in fluxd's words (flux-v1 §16). */
export type WorkloadResult = {
  Status: 'success' | 'failed' | 'skipped' | 'ignored'
  /** Why it was not done. */
  Error?: string
  PerContainer?: { Container: string; Current: string; Target: string }[]
}

/** By ID of the workload. */
export type UpdateResult = Record<string, WorkloadResult>
