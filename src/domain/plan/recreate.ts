import { recreateAnnotation } from '../manifest/annotations.ts'
import { groupOf, type KubeObject } from '../manifest/object.ts'

/** Their deletion takes everything in them along: never made again, whatever they say. */
const neverAgain = new Set(['/Namespace', 'apiextensions.k8s.io/CustomResourceDefinition'])

/** True when git says that the object may be deleted and made again where a field cannot be changed (hazard C11). */
export function mayRecreate({ apiVersion, kind, metadata }: KubeObject): boolean {
  if (neverAgain.has(`${groupOf(apiVersion)}/${kind}`)) return false
  return metadata.annotations?.[recreateAnnotation] === 'allowed'
}
