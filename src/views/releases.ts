import type { Cluster } from '../adapters/cluster/index.ts'
import type { KubeObject } from '../domain/manifest/object.ts'
import { helmReleaseKind } from '../domain/release/spec.ts'
import { releaseTarget, type StoredRelease } from './release-row.ts'

/** What was read about all releases. `isServed` is false where the cluster has no HelmRelease definition. */
export type ReleaseFacts = {
  isServed: boolean
  objects: KubeObject[]
  /** By `namespace/release`. */
  stored: ReadonlyMap<string, StoredRelease>
}

/**
 * HelmReleases, and what helm stored, from the labels of its Secrets alone: no release is decoded. `namespace` is the one in which
 * HelmReleases are looked for; empty for all.
 */
export async function readReleases(
  cluster: Pick<Cluster, 'list' | 'resource'>,
  namespace: string,
  signal: AbortSignal,
): Promise<ReleaseFacts> {
  if (!(await cluster.resource(helmReleaseKind.apiVersion, helmReleaseKind.kind, signal))) {
    return { isServed: false, objects: [], stored: new Map() }
  }
  const objects = await cluster.list({ ...helmReleaseKind, ...(namespace ? { namespace } : {}) }, signal)
  if (objects.length === 0) return { isServed: true, objects, stored: new Map() }
  const query = { apiVersion: 'v1', kind: 'Secret', labelSelector: 'owner=helm', metadataOnly: true }
  const only = onlyNamespace(objects)
  const secrets = await cluster.list({ ...query, ...(only ? { namespace: only } : {}) }, signal)
  return { isServed: true, objects, stored: storedOf(secrets) }
}

/** The newest revision of each release in helm's Secrets, by `namespace/release`; their labels are enough. */
export function storedOf(secrets: readonly KubeObject[]): Map<string, StoredRelease> {
  const stored = new Map<string, StoredRelease>()
  for (const secret of secrets) note(stored, secret)
  return stored
}

/** Key of a helm release in {@link ReleaseFacts}. */
export function storedKey(object: KubeObject): string {
  const { namespace, release } = releaseTarget(object)
  return `${namespace}/${release}`
}

/** Where all releases lie in one namespace only that one is read, which works with rights in one namespace alone. */
function onlyNamespace(objects: readonly KubeObject[]): string | undefined {
  const namespaces = new Set(objects.map((object) => releaseTarget(object).namespace))
  return namespaces.size === 1 ? [...namespaces][0] : undefined
}

/** Keeps the newest revision of each release (helm-operator, part 2, §3.4: labels name, status, version). */
function note(stored: Map<string, StoredRelease>, { metadata: { namespace, labels = {} } }: KubeObject): void {
  const revision = Number(labels.version)
  const key = `${namespace ?? ''}/${labels.name ?? ''}`
  if (!Number.isInteger(revision) || revision <= (stored.get(key)?.revision ?? 0)) return
  stored.set(key, { revision, state: labels.status ?? 'unknown' })
}
