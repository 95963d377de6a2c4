import { AppError } from '../../domain/error.ts'
import { idOf, type KubeObject, type ManagedFields, type ObjectRef } from '../../domain/manifest/object.ts'
import { exactJson } from '../../lib/exact-json.ts'
import { type Api, asked, getObject, locate, objectOf, urgencyOf } from './objects.ts'

/** Other owners for the fields of an object; undefined when they are right as they are. */
type Change = (live: KubeObject) => ManagedFields[] | undefined

const maxTries = 5

/**
 * Rewrites `metadata.managedFields` and nothing else, of exactly the version that was read; read and tried again ≤ 5 times when
 * somebody writes in between, then `OtherWriter`. Gives the object as it is after that, undefined when it is absent. `known`: the
 * object, when it has just been read.
 */
export async function changeOwners(
  api: Api,
  of: { ref: ObjectRef; known?: KubeObject },
  change: Change,
  signal?: AbortSignal,
): Promise<{ object: KubeObject | undefined; changed: boolean }> {
  let { known } = of
  for (let attempt = 1; attempt <= maxTries; attempt++) {
    const live = known ?? (await getObject(api, of.ref, { signal }))
    const managedFields = live && change(live)
    if (!managedFields) return { object: live, changed: false }
    const object = await write(api, live, managedFields, signal)
    if (object) return { object, changed: true }
    known = undefined
  }
  throw new AppError(
    'OtherWriter',
    `${idOf(of.ref)} changes so fast that the owners of its fields cannot be written; tried again.`,
  )
}

/** Undefined when the object has changed since it was read. */
async function write(
  api: Api,
  { apiVersion, kind, metadata }: KubeObject,
  managedFields: readonly ManagedFields[],
  signal?: AbortSignal,
): Promise<KubeObject | undefined> {
  const { name, namespace, resourceVersion } = metadata
  const ref: ObjectRef = { apiVersion, kind, name, ...(namespace ? { namespace } : {}) }
  const answer = await api.send({
    method: 'PATCH',
    path: await locate(api, ref, signal),
    query: { fieldManager: 'capstan' },
    headers: { 'content-type': 'application/json-patch+json' },
    body: exactJson([
      { op: 'replace', path: '/metadata/managedFields', value: managedFields },
      // an older version than the stored one is refused with 409
      { op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion },
    ]),
    urgency: urgencyOf(ref, 'write'),
    idempotent: false,
    signal,
  })
  return answer.status === 409 ? undefined : objectOf(api, answer, asked('patch', ref))
}
