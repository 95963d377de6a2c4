import { toAppError } from '../../domain/error.ts'
import { idOf, type KubeObject, refOf } from '../../domain/manifest/object.ts'
import { claims } from '../../domain/release/ownership.ts'
import { helmReleaseKind, legacyReleaseKind, readSpec } from '../../domain/release/spec.ts'
import type { SyncReleaseDeps } from './deps.ts'
import { listWhereAllowed } from './list-where-allowed.ts'

type Name = { namespace: string; name: string }
type Kind = typeof helmReleaseKind | typeof legacyReleaseKind

/** A HelmRelease and what to work on it with, or a sentence for why there is nothing to do. */
export type Found = { object: KubeObject; deps: SyncReleaseDeps } | { none: string; isGone: boolean }

/**
 * The HelmRelease of that name; where there is none and old ones are served (`--legacy-helmreleases`), the one of
 * flux.weave.works/v1beta1. An old one never gets a finalizer, its release is never uninstalled, and it is left alone where another
 * HelmRelease asks for the same release (ruling 9).
 */
export async function findHelmRelease(name: Name, deps: SyncReleaseDeps, signal: AbortSignal): Promise<Found> {
  const kinds = deps.legacy ? [helmReleaseKind, legacyReleaseKind] : [helmReleaseKind]
  const served: Kind[] = []
  for (const kind of kinds) if (await deps.cluster.resource(kind.apiVersion, kind.kind, signal)) served.push(kind)
  if (served.length === 0) return { none: 'HelmReleases are not defined in this cluster', isGone: false }
  for (const kind of served) {
    const object = await deps.cluster.get({ ...kind, ...name }, { signal })
    if (object) return kind === helmReleaseKind ? { object, deps } : await serveLegacy(object, served, deps, signal)
  }
  return { none: 'it does not exist any more', isGone: true }
}

async function serveLegacy(
  object: KubeObject,
  served: readonly Kind[],
  deps: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<Found> {
  if (object.metadata.deletionTimestamp) return { none: 'it is going, and its release stays', isGone: true }
  const spec = readSpec(object, deps.defaults)
  for (const kind of served) {
    const others = (await listWhereAllowed(kind, [spec.namespace], deps, signal)).filter((other) => claims(other, spec))
    const other = others.find((one) => one.metadata.uid !== object.metadata.uid && wins(one, object))
    if (other) return { none: `left alone: ${idOf(refOf(other))} asks for the same release`, isGone: true }
  }
  return { object, deps: { ...deps, finalizer: false, cluster: legacyCluster(deps.cluster) } }
}

/** A HelmRelease of today before any old one; of two old ones the older. */
function wins(one: KubeObject, object: KubeObject): boolean {
  return one.apiVersion !== object.apiVersion || ageOf(one) < ageOf(object)
}

function ageOf({ metadata }: KubeObject): string {
  return `${metadata.creationTimestamp ?? ''} ${metadata.uid ?? ''}`
}

/** What is written onto the HelmRelease goes onto the old one. Its definition may take no status: then there is none. */
function legacyCluster(cluster: SyncReleaseDeps['cluster']): SyncReleaseDeps['cluster'] {
  return {
    ...cluster,
    async patch(ref, patch, options) {
      if (ref.kind !== helmReleaseKind.kind || ref.apiVersion !== helmReleaseKind.apiVersion)
        return await cluster.patch(ref, patch, options)
      try {
        return await cluster.patch({ ...ref, ...legacyReleaseKind }, patch, options)
      } catch (error) {
        options?.signal?.throwIfAborted()
        if (isLost(toAppError(error).reason)) throw error
        return { ...ref, metadata: { name: ref.name } }
      }
    },
  }
}

function isLost(reason: string): boolean {
  return ['ClusterUnavailable', 'FenceLost', 'RateLimited', 'ReadOnly'].includes(reason)
}
