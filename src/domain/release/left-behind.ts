import { groupOf, idOf, keyOf, type KubeObject, type ObjectRef } from '../manifest/object.ts'
import { approveAnnotation, isApproved, removalOf } from './approval.ts'

/** A release that a HelmRelease had under another name or in another namespace (ruling 21). */
export type LeftRelease = { namespace: string; release: string }

/** Annotation on a HelmRelease: `remove` uninstalls what a rename leaves behind. */
export const onRenameAnnotation = 'capstan.dev/on-rename'

/** True when somebody wants it removed, by the annotation or by approval of this one. */
export function isRemovalWanted(object: KubeObject, left: LeftRelease): boolean {
  return object.metadata.annotations?.[onRenameAnnotation] === 'remove' || isApproved(object, removalOf(left))
}

/** Kinds that take data or other people's objects with them. */
const precious = new Set([
  '/PersistentVolumeClaim',
  '/PersistentVolume',
  'apiextensions.k8s.io/CustomResourceDefinition',
  '/Namespace',
])

/** Of the release that was left (`old`) and of the one that took its place (`now`), both with namespaces filled in. */
export type Manifests = { old: readonly ObjectRef[] | undefined; now: readonly ObjectRef[] }

/** Why a release that was left is never removed by us, whoever wants it; undefined when it may be (ruling 21). */
export function whyNeverRemoved({ old, now }: Manifests): string | undefined {
  if (!old) return 'its manifest cannot be read'
  const kept = old.find(({ apiVersion, kind }) => precious.has(`${groupOf(apiVersion)}/${kind}`))
  if (kept) return `it has ${kept.kind} ${kept.name}`
  const mine = new Set(now.map(keyOf))
  const shared = old.find((ref) => mine.has(keyOf(ref)))
  return shared && `${idOf(shared)} belongs to the new release too`
}

/** What people read about it: what is left, why it is not removed, and how to remove it. */
export function leftMessage(left: LeftRelease, whyNot: string | undefined): string {
  const { namespace, release } = left
  const byHand = `helm uninstall ${release} --namespace ${namespace}`
  const what = `OldReleaseLeft: release ${release} in ${namespace} is left as it is`
  if (whyNot) return `${what}, because ${whyNot}; remove it with: ${byHand}`
  return `${what}; remove it with: ${byHand}, or annotate ${onRenameAnnotation}=remove or ${approveAnnotation}=${removalOf(left)}`
}
