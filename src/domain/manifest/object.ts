/** Any JSON value as it comes from YAML or the API server. Integers beyond 2^53 are bigint (manifests only). */
export type Json = null | boolean | number | bigint | string | Json[] | { [key: string]: Json }

export type OwnerReference = { apiVersion: string; kind: string; name: string; uid: string; controller?: boolean }

export type ManagedFields = {
  manager: string
  operation: 'Apply' | 'Update'
  apiVersion?: string
  time?: string
  fieldsV1?: Record<string, unknown>
  subresource?: string
}

export type ObjectMeta = {
  name: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  deletionTimestamp?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  finalizers?: string[]
  ownerReferences?: OwnerReference[]
  managedFields?: ManagedFields[]
}

/** The shape that all Kubernetes objects share; the rest is whatever the kind says. */
export type KubeObject = {
  apiVersion: string
  kind: string
  metadata: ObjectMeta
  [field: string]: unknown
}

/** Names one object in the cluster. `namespace` is absent for cluster-scoped kinds. */
export type ObjectRef = { apiVersion: string; kind: string; namespace?: string; name: string }

/** `apps` of `apps/v1`; empty for the core group. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/')
  return slash < 0 ? '' : apiVersion.slice(0, slash)
}

export function refOf(object: KubeObject): ObjectRef {
  const { namespace, name } = object.metadata
  return { apiVersion: object.apiVersion, kind: object.kind, ...(namespace ? { namespace } : {}), name }
}

/**
 * The ancestors' ID `namespace:kind/name` (kind lower-cased, `<cluster>` where there is no namespace):
 * what people see. It has no group; use {@link keyOf} to tell objects apart. flux-v1 §1.
 */
export function idOf(ref: Pick<ObjectRef, 'kind' | 'namespace' | 'name'>): string {
  return `${ref.namespace || '<cluster>'}:${ref.kind.toLowerCase()}/${ref.name}`
}

/** Identity of an object across versions of its API: `group/Kind/namespace/name`. */
export function keyOf(ref: ObjectRef): string {
  return `${groupOf(ref.apiVersion)}/${ref.kind}/${ref.namespace ?? ''}/${ref.name}`
}
