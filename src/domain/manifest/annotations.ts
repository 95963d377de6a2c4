import type { KubeObject } from './object.ts'

/** Label on live objects: which source owns this very object (flux-v1 §§2, 11). Written by us as by fluxd (W13). */
export const gcMarkLabel = 'fluxcd.io/sync-gc-mark'
/** Annotation on live objects: digest of the manifest as last applied. fluxd's is read for adoption and replaced (W13). */
export const checksumAnnotation = 'fluxcd.io/sync-checksum'

/**
 * Prefixes under which a policy may stand, in the order in which they are read and edited: the first that has it counts.
 * fluxd chose at random (flux-v1 §2); what stands under the last one is a tag filter, `tag.<rest>`.
 */
export const policyPrefixes = ['fluxcd.io/', 'flux.weave.works/', 'filter.fluxcd.io/'] as const

/** `"true"`: the image updater may change this workload. */
export const automatedPolicy = 'automated'
/** `"true"`: no release of this workload, automatic or by hand; it is still synced. */
export const lockedPolicy = 'locked'
/** Whether a policy is the lock itself, or says who locked and why. */
export function isLockPolicy(name: string): boolean {
  return name === lockedPolicy || name === 'locked_user' || name === 'locked_msg'
}
/** `"true"`: never applied, pruned or released; `"sync_only"`: applied, never pruned. */
export const ignorePolicy = 'ignore'
/** Followed by a container's name: which tags that container may take. */
export const tagPolicyPrefix = 'tag.'

/** Prefixes on HelmReleases, followed by an alias: where in the values an image's parts are (flux-v1 §18). */
export const imagePathPrefixes = {
  repository: 'repository.fluxcd.io/',
  registry: 'registry.fluxcd.io/',
  tag: 'tag.fluxcd.io/',
} as const

/**
 * Annotations of ours in git that narrow which tags a container may take, and how they are written; with `.<container>` behind for one
 * container, without for all. They never widen a filter.
 */
export const imagePolicyAnnotations = {
  extract: 'capstan.dev/extract',
  deny: 'capstan.dev/deny',
  minAge: 'capstan.dev/min-age',
  pin: 'capstan.dev/pin',
} as const

/** Annotation of ours on live objects: `allow` lets a kind be deleted that is otherwise kept (law 8). */
export const pruneAnnotation = 'capstan.dev/prune'

/** Annotation of ours in git: `yield` leaves fields that others own to them, in place of taking them over (ruling 2). */
export const conflictAnnotation = 'capstan.dev/conflict'
/** Annotation of ours in git: `allowed` lets an object be deleted and made again when a field of it cannot be changed. */
export const recreateAnnotation = 'capstan.dev/recreate'

/** Annotation of ours in git: `allow` lets an object be applied that runs fluxd or the Helm Operator (ruling 6). */
export const ancestorAnnotation = 'capstan.dev/ancestor'

/** By name without prefix, value as it stands. Unknown names under the prefixes are policies too (flux-v1 §2). */
export type Policies = ReadonlyMap<string, string>

/** Every policy that the annotations set. */
export function readPolicies(annotations: Readonly<Record<string, string>> | undefined): Policies {
  const policies = new Map<string, string>()
  for (const prefix of policyPrefixes) {
    for (const [key, value] of Object.entries(annotations ?? {})) {
      if (!key.startsWith(prefix)) continue
      const name =
        prefix === 'filter.fluxcd.io/' ? `${tagPolicyPrefix}${key.slice(prefix.length)}` : key.slice(prefix.length)
      if (!policies.has(name)) policies.set(name, value)
    }
  }
  return policies
}

/** Whether a policy is on: `automated`, `locked` and `ignore` only when exactly `true`, any other by being there. */
export function hasPolicy(policies: Policies, name: string): boolean {
  if (name === automatedPolicy || name === lockedPolicy || name === ignorePolicy) return policies.get(name) === 'true'
  return policies.has(name)
}

/** What the object says about being left alone; undefined when nothing or something that has no meaning. */
export function ignoreOf(object: Pick<KubeObject, 'metadata'>): 'true' | 'sync_only' | undefined {
  const value = readPolicies(object.metadata.annotations).get(ignorePolicy)
  return value === 'true' || value === 'sync_only' ? value : undefined
}
