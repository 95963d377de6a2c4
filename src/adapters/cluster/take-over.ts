import type { KubeObject, ObjectRef } from '../../domain/manifest/object.ts'
import { lastAppliedAnnotation, takeOver } from '../../domain/plan/take-over.ts'
import { type Api, getObject } from './objects.ts'
import { changeOwners } from './owners.ts'
import { sendApply } from './send-apply.ts'

/**
 * Makes fields that `kubectl apply` set ours (ruling 2; domain `takeOver` says which): one write of `metadata.managedFields`,
 * nothing else of the object changes. `nothing` also when the object is absent.
 */
export async function takeOverObject(api: Api, ref: ObjectRef, signal?: AbortSignal): Promise<'taken' | 'nothing'> {
  const live = await getObject(api, ref, { signal })
  if (!live) return 'nothing'
  if (isUnmanaged(live)) await noteOwners(api, live, signal)
  const known = isUnmanaged(live) ? {} : { known: live }
  const { changed } = await changeOwners(api, { ref, ...known }, (object) => takeOver(object)?.managedFields, signal)
  return changed ? 'taken' : 'nothing'
}

/** Applied by kubectl, but nobody's: as old as the time before managers were noted, or wiped by hand. */
function isUnmanaged({ metadata }: KubeObject): boolean {
  return !metadata.managedFields?.length && metadata.annotations?.[lastAppliedAnnotation] !== undefined
}

/** An apply of nothing lets the server note every field as `before-first-apply`. */
async function noteOwners(api: Api, { apiVersion, kind, metadata }: KubeObject, signal?: AbortSignal): Promise<void> {
  const { name, namespace } = metadata
  const nothing = { apiVersion, kind, metadata: { name, ...(namespace ? { namespace } : {}) } }
  await sendApply(api, nothing, { force: false }, signal)
}
