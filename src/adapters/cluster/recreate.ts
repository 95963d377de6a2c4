import { AppError } from '../../domain/error.ts'
import { idOf, type KubeObject, refOf } from '../../domain/manifest/object.ts'
import { applyObject } from './apply.ts'
import { type Api, deleteObject, getObject } from './objects.ts'
import type { Applied, ApplyOptions } from './send-apply.ts'
import { pause } from './send.ts'

const goneWithinMs = 10_000
const everyMs = 100

/**
 * Deletes the object of this very uid (background propagation) and applies it again once it is gone. Throws `OtherWriter` when
 * the object is another one, `NotReady` when it is still there after 10 s: finalizers hold it, and it is never forced away.
 */
export async function recreateObject(
  api: Api,
  object: KubeObject,
  { uid, options }: { uid: string; options: ApplyOptions },
  signal?: AbortSignal,
): Promise<Applied> {
  await deleteObject(api, refOf(object), { uid }, signal)
  await waitGone(api, object, uid, signal)
  return await applyObject(api, object, options, signal)
}

async function waitGone(api: Api, object: KubeObject, uid: string, signal?: AbortSignal): Promise<void> {
  const ref = refOf(object)
  const end = performance.now() + goneWithinMs
  for (;;) {
    const live = await getObject(api, ref, { metadataOnly: true, signal })
    if (live?.metadata.uid !== uid) return
    if (performance.now() > end) {
      throw new AppError('NotReady', `${idOf(ref)} is being deleted; applied again when it is gone.`)
    }
    await pause(everyMs, signal)
  }
}
