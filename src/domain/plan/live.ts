import { createHash } from 'node:crypto'
import { canonicalJson } from '../../lib/canonical-json.ts'
import { checksumAnnotation, gcMarkLabel, ignoreOf, pruneAnnotation } from '../manifest/annotations.ts'
import { type KubeObject, keyOf, type ObjectRef, refOf } from '../manifest/object.ts'

/** Field manager of everything that Capstan applies. */
export const fieldManager = 'capstan'
/** What a sync must know of an object in the cluster; all of it stands in its metadata. */
export type LiveObject = {
  ref: ObjectRef
  uid: string
  resourceVersion: string
  /** Digest of the manifest that was applied last, as the object says itself. */
  checksum: string
  /** Which fields Capstan owns, hashed. Another writer that changes or removes one of them changes this. */
  owned: string
  /** Label value naming source and object, empty when it has none. */
  mark: string
  ignore: 'true' | 'sync_only' | ''
  /** It belongs to a controller (ownerReferences): never pruned. */
  hasOwner: boolean
  deleting: boolean
  pruneAllowed: boolean
}

/** The few facts of an object that a sync compares; from a whole object or from its metadata alone. */
export function liveObject(object: KubeObject): LiveObject {
  const { metadata } = object
  const annotations = metadata.annotations ?? {}
  return {
    ref: refOf(object),
    uid: metadata.uid ?? '',
    resourceVersion: metadata.resourceVersion ?? '',
    checksum: annotations[checksumAnnotation] ?? '',
    owned: ownedHash(object),
    mark: metadata.labels?.[gcMarkLabel] ?? '',
    ignore: ignoreOf(object) ?? '',
    hasOwner: (metadata.ownerReferences?.length ?? 0) > 0,
    deleting: metadata.deletionTimestamp !== undefined,
    pruneAllowed: annotations[pruneAnnotation] === 'allow',
  }
}

export function liveKey(live: LiveObject): string {
  return keyOf(live.ref)
}

/**
 * Hash of the fields that Capstan's server-side apply owns, from managedFields. The API server takes a field from us when
 * somebody else changes or removes it (Kubernetes documentation, "Server-Side Apply", ownership), so an equal hash means
 * that every field of ours still stands, without reading the object itself. Empty when we own nothing.
 */
export function ownedHash(object: KubeObject): string {
  const entry = object.metadata.managedFields?.find(
    (fields) => fields.manager === fieldManager && fields.operation === 'Apply' && !fields.subresource,
  )
  if (!entry?.fieldsV1) return ''
  return createHash('sha256').update(canonicalJson(entry.fieldsV1)).digest('base64url').slice(0, 16)
}
