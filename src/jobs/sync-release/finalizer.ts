import { toAppError } from '../../domain/error.ts'
import type { KubeObject } from '../../domain/manifest/object.ts'
import { helmReleaseKind } from '../../domain/release/spec.ts'
import type { SyncReleaseDeps } from './deps.ts'
import type { Work } from './work.ts'

/** Keeps a HelmRelease until its release is gone (ruling 12). */
export const finalizer = 'capstan.dev/release'

/**
 * Puts the finalizer on, once a release of ours exists; the object knows it from here on. `gone`: the HelmRelease is deleted, or being
 * deleted without it.
 */
export async function keepFinalizer(
  work: Pick<Work, 'object' | 'signal'>,
  deps: SyncReleaseDeps,
): Promise<'kept' | 'gone'> {
  const { object, signal } = work
  if (!deps.finalizer || object.metadata.finalizers?.includes(finalizer)) return 'kept'
  if ((await putOnce(object, deps, signal)) === 'gone') return 'gone'
  const { metadata } = object
  work.object = { ...object, metadata: { ...metadata, finalizers: withOurs(object) } }
  return 'kept'
}

async function putOnce(object: KubeObject, deps: SyncReleaseDeps, signal: AbortSignal): Promise<'kept' | 'gone'> {
  if (object.metadata.deletionTimestamp) return 'gone'
  if (await putOn(object, deps, signal)) return 'kept'
  const found = await readAgain(object, deps, signal)
  if (!found || found.metadata.deletionTimestamp) return 'gone'
  if (!found.metadata.finalizers?.includes(finalizer)) await writeFinalizers(found, withOurs(found), deps, signal)
  return 'kept'
}

/** On the object as it was read; false when it is another one by now. */
async function putOn(object: KubeObject, deps: SyncReleaseDeps, signal: AbortSignal): Promise<boolean> {
  try {
    await writeFinalizers(object, withOurs(object), deps, signal)
    return true
  } catch (error) {
    if (toAppError(error).reason === 'OtherWriter') return false
    throw error
  }
}

function withOurs({ metadata: { finalizers = [] } }: KubeObject): string[] {
  return [...finalizers, finalizer]
}

/** The object as it is now; undefined when it is gone or another one of its name. */
export async function readAgain(
  { metadata }: KubeObject,
  { cluster }: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  const { namespace = '', name, uid } = metadata
  const found = await cluster.get({ ...helmReleaseKind, namespace, name }, { metadataOnly: true, signal })
  return found?.metadata.uid === uid ? found : undefined
}

/** The list is written whole, so it goes under the version that was read: nobody's finalizer gets lost. */
export async function writeFinalizers(
  { metadata }: KubeObject,
  finalizers: readonly string[],
  { cluster, fence }: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<void> {
  const { namespace = '', name, resourceVersion = '' } = metadata
  fence.check()
  await cluster.patch(
    { ...helmReleaseKind, namespace, name },
    { metadata: { resourceVersion, finalizers } },
    { signal },
  )
}
