import { createHash } from 'node:crypto'
import { checksumAnnotation, gcMarkLabel } from './annotations.ts'
import { idOf, type KubeObject, type ObjectRef } from './object.ts'

/**
 * Name of the set of objects that one source owns, byte for byte as fluxd made it (flux-v1 §9.5, W13), so that a cluster run by
 * fluxd is adopted. `safeUrl` is the URL as `safeUrl()` of domain/source gives it; `paths` as given, in order, untouched.
 */
export function syncSetName({
  safeUrl,
  branch,
  paths,
}: {
  safeUrl: string
  branch: string
  paths: readonly string[]
}): string {
  const hash = createHash('sha256').update(safeUrl).update(branch)
  for (const path of paths) hash.update(path)
  return hash.digest('base64url')
}

/** Value of the gc-mark label; holds the object's own ID, so that a copied label means nothing (flux-v1 §2). */
export function gcMark(syncSet: string, ref: Pick<ObjectRef, 'kind' | 'namespace' | 'name'>): string {
  return `sha256.${createHash('sha256').update(syncSet).update(idOf(ref)).digest('base64url')}`
}

/** The object with our mark and checksum; what git itself says under these keys came from an exported object and counts for nothing. The given object is not changed. */
export function withSyncMeta(object: KubeObject, { mark, checksum }: { mark: string; checksum: string }): KubeObject {
  const { labels, annotations } = object.metadata
  return {
    ...object,
    metadata: {
      ...object.metadata,
      labels: { ...labels, [gcMarkLabel]: mark },
      annotations: { ...annotations, [checksumAnnotation]: checksum },
    },
  }
}
