import { AppError } from '../../domain/error.ts'
import type { KubeObject } from '../../domain/manifest/object.ts'
import { helmReleaseKind, type ReleaseSpec } from '../../domain/release/spec.ts'
import type { SyncReleaseDeps } from './deps.ts'
import { readRecord, readRevisions, recordRef } from './observe.ts'

/** Keeps a HelmRelease until its release is gone (ruling 12). */
export const finalizer = 'capstan.dev/release'

/** Puts the finalizer on, once a release of ours exists. */
export async function keepFinalizer(object: KubeObject, deps: SyncReleaseDeps, signal: AbortSignal): Promise<void> {
  if (!deps.finalizer || object.metadata.finalizers?.includes(finalizer)) return
  await changeFinalizers(object, (finalizers) => [...finalizers, finalizer], deps, signal)
}

/**
 * The HelmRelease is being deleted: uninstalls its release and lets it go. It needs neither git nor a registry. The release stays, and
 * the object goes at once, where it is not ours, where the namespace or the definition is going too, or where the release is suspended.
 */
export async function removeRelease(
  object: KubeObject,
  spec: ReleaseSpec,
  deps: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<string> {
  if (!object.metadata.finalizers?.includes(finalizer)) return 'deleted; nothing of ours to remove'
  const why = await leaves(spec, deps, signal)
  const revisions = why ? [] : await readRevisions(spec, deps, signal)
  if (revisions.length > 0) {
    deps.fence.check()
    const target = { release: spec.release, namespace: spec.targetNamespace, timeoutSeconds: spec.timeoutSeconds }
    const outcome = await deps.helm.uninstall(target, signal)
    signal.throwIfAborted()
    if (!outcome.ok)
      throw new AppError(outcome.reason, `release ${spec.release} could not be uninstalled: ${outcome.message}`)
  }
  if (!why) await deps.cluster.delete(recordRef(spec), {}, signal)
  await changeFinalizers(object, (finalizers) => finalizers.filter((one) => one !== finalizer), deps, signal)
  return why ? `release ${spec.release} is left as it is: ${why}` : `release ${spec.release} was uninstalled`
}

/** Why the release is not uninstalled; undefined when it is ours and its surroundings stay. */
async function leaves(spec: ReleaseSpec, deps: SyncReleaseDeps, signal: AbortSignal): Promise<string | undefined> {
  if (spec.suspended) return 'it is suspended'
  const { record } = await readRecord(spec, deps, signal)
  if (!record || record.owner.uid !== spec.uid) return 'it does not belong to this HelmRelease'
  for (const name of new Set([spec.namespace, spec.targetNamespace])) {
    const namespace = await deps.cluster.get(
      { apiVersion: 'v1', kind: 'Namespace', name },
      { metadataOnly: true, signal },
    )
    if (!namespace || namespace.metadata.deletionTimestamp) return `namespace ${name} is going`
  }
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    name: 'helmreleases.helm.fluxcd.io',
  }
  const found = await deps.cluster.get(definition, { metadataOnly: true, signal })
  return found && !found.metadata.deletionTimestamp ? undefined : 'the definition of HelmReleases is going'
}

/** The list is written whole, so it is read anew and written under the version that was read: nobody's finalizer gets lost. */
async function changeFinalizers(
  object: KubeObject,
  change: (finalizers: readonly string[]) => string[],
  deps: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<void> {
  const { namespace = '', name, uid } = object.metadata
  const ref = { ...helmReleaseKind, namespace, name }
  const found = await deps.cluster.get(ref, { metadataOnly: true, signal })
  if (!found || found.metadata.uid !== uid) return
  deps.fence.check()
  const { resourceVersion = '', finalizers = [] } = found.metadata
  await deps.cluster.patch(ref, { metadata: { resourceVersion, finalizers: change(finalizers) } }, { signal })
}
