import type { KubeObject } from '../manifest/object.ts'

type Status = { observedGeneration?: number; conditions?: readonly { type: string; status: string }[] }

/** Whether what depends on this HelmRelease may go on: its latest generation was worked on and is released. */
export function isReleaseReady(object: KubeObject): boolean {
  return isReady(object, 'Released')
}

/** The same of a Source object. */
export function isSourceReady(object: KubeObject): boolean {
  return isReady(object, 'Ready')
}

function isReady({ metadata, status }: KubeObject, condition: string): boolean {
  const { observedGeneration = 0, conditions = [] } = (status ?? {}) as Status
  if (metadata.deletionTimestamp !== undefined || observedGeneration < (metadata.generation ?? 0)) return false
  return conditions.some(({ type, status: is }) => type === condition && is === 'True')
}
