import { idOf, type KubeObject } from '../manifest/object.ts'
import { helmReleaseKind, readSpec, type ReleaseSpec } from './spec.ts'

/** Annotation on live objects: ID of the HelmRelease that made them (helm-operator §4.4). */
export const antecedentAnnotation = 'helm.fluxcd.io/antecedent'

/** What a HelmRelease writes on the objects of its release: `<namespace>:helmrelease/<name>` (helm-operator §2, §4.4). */
export function antecedentOf({ namespace, name }: Pick<ReleaseSpec, 'namespace' | 'name'>): string {
  return idOf({ ...helmReleaseKind, namespace, name })
}

/**
 * The HelmRelease that all objects of a release name instead of `own`; undefined as soon as one object is free: it is gone, names
 * nobody, or names `own`. The Operator asked one object at random (helm-operator §4.4, rulings part 3).
 */
export function otherAntecedent(objects: readonly (KubeObject | undefined)[], own: string): string | undefined {
  const named = objects.map((object) => object?.metadata.annotations?.[antecedentAnnotation])
  const first = named[0]
  return named.every((id) => id !== undefined && id !== '' && id !== own) ? first : undefined
}

/** Namespace and name of an ID as {@link antecedentOf} writes it. */
export function readAntecedent(id: string): { namespace: string; name: string } | undefined {
  const [, namespace, name] = /^([a-z0-9-]+):helmrelease\/([a-z0-9.-]+)$/i.exec(id) ?? []
  return namespace && name ? { namespace, name } : undefined
}

/** True when this HelmRelease asks for the same helm release. */
export function claims(object: KubeObject, { release, targetNamespace }: ReleaseSpec): boolean {
  const other = readSpec(object, { gitRef: '', updateDependencies: false })
  return other.release === release && other.targetNamespace === targetNamespace
}

/** A second engine that was seen at work after our first contact stops our writes for this long after its last one (ruling 20). */
const otherWriterMs = 10 * 60_000
/** The Operator's last words may come a little after it was scaled down. */
const graceMs = 30_000

/**
 * Name of another controller that still writes the status of this HelmRelease, known from managedFields; people who use kubectl are
 * none. `since`: RFC 3339, our first contact; `now`: milliseconds since 1970.
 */
export function otherStatusWriter(object: KubeObject, since: string, now: number): string | undefined {
  const from = Math.max(Date.parse(since) + graceMs, now - otherWriterMs)
  return object.metadata.managedFields?.find(
    ({ manager, subresource, time }) =>
      subresource === 'status' &&
      manager !== 'capstan' &&
      !manager.startsWith('kubectl') &&
      time !== undefined &&
      Date.parse(time) > from,
  )?.manager
}
