import type { KubeObject } from '../manifest/object.ts'

/** helm writes these on every object that it makes or adopts, and refuses to touch one that names another release. */
const nameAnnotation = 'meta.helm.sh/release-name'
const namespaceAnnotation = 'meta.helm.sh/release-namespace'

type Release = { release: string; targetNamespace: string }

/** The release that helm made an object for, or gave it to; undefined for none. */
export function releaseOf({ metadata: { annotations } }: KubeObject): Release | undefined {
  const { [nameAnnotation]: release, [namespaceAnnotation]: targetNamespace } = annotations ?? {}
  return release === undefined || targetNamespace === undefined ? undefined : { release, targetNamespace }
}

/** True for an object that helm made for, or gave to, this release. */
export function isMadeBy({ metadata: { annotations } }: KubeObject, { release, targetNamespace }: Release): boolean {
  return annotations?.[nameAnnotation] === release && annotations[namespaceAnnotation] === targetNamespace
}

/** `namespace/name` of the other release that an object says it belongs to. */
export function otherRelease(object: KubeObject, release: Release): string | undefined {
  const { [nameAnnotation]: name, [namespaceAnnotation]: namespace = '' } = object.metadata.annotations ?? {}
  return name === undefined || isMadeBy(object, release) ? undefined : `${namespace}/${name}`
}
