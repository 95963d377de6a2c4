import { definitionName } from '../../domain/release/definition.ts'
import { helmReleaseKind, legacyReleaseKind } from '../../domain/release/spec.ts'
import type { ReleaseFacts, StoredRelease } from '../../domain/migrate/releases.ts'
import type { MigrateDeps } from './deps.ts'

/** HelmReleases, what helm has stored, and their definition; `namespace`: the one that is looked at, empty for all. */
export async function readReleaseFacts(
  { cluster }: Pick<MigrateDeps, 'cluster'>,
  namespace: string,
  signal: AbortSignal,
): Promise<ReleaseFacts> {
  const within = namespace ? { namespace } : {}
  const isServed = await cluster.resource(helmReleaseKind.apiVersion, helmReleaseKind.kind, signal)
  const hasLegacy = await cluster.resource(legacyReleaseKind.apiVersion, legacyReleaseKind.kind, signal)
  const legacy = hasLegacy ? await cluster.list({ ...legacyReleaseKind, ...within, metadataOnly: true }, signal) : []
  return {
    helmReleases: isServed ? await cluster.list({ ...helmReleaseKind, ...within }, signal) : [],
    legacy: legacy.length,
    stored: await readStored({ cluster }, signal),
    definition: await cluster.get(
      { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', name: definitionName },
      { metadataOnly: true, signal },
    ),
  }
}

/** Newest revision of every release that helm 3 keeps in Secrets, by the labels that it writes. */
export async function readStored(
  { cluster }: Pick<MigrateDeps, 'cluster'>,
  signal: AbortSignal,
): Promise<Map<string, StoredRelease>> {
  const query = { apiVersion: 'v1', kind: 'Secret', labelSelector: 'owner=helm', metadataOnly: true }
  const stored = new Map<string, StoredRelease>()
  for (const { metadata } of await cluster.list(query, signal)) {
    const { name = '', status = '', version = '' } = metadata.labels ?? {}
    const key = `${metadata.namespace}/${name}`
    const revision = Number(version)
    if (revision > (stored.get(key)?.revision ?? 0)) stored.set(key, { state: status, revision })
  }
  return stored
}
