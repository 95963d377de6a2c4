import { toAppError } from '../../domain/error.ts'
import type { KubeObject, ObjectRef } from '../../domain/manifest/object.ts'
import { isRemovalWanted, type LeftRelease, leftMessage, whyNeverRemoved } from '../../domain/release/left-behind.ts'
import { claims } from '../../domain/release/ownership.ts'
import { parseRecord, recordSelector } from '../../domain/release/record.ts'
import { helmReleaseKind, type ReleaseSpec } from '../../domain/release/spec.ts'
import type { SyncReleaseDeps } from './deps.ts'
import { listWhereAllowed } from './list-where-allowed.ts'
import { noteLeft } from './keep-record.ts'
import { isCapstanItself } from './made-objects.ts'
import { memoryOf, type NothingLeft } from './memory.ts'
import { isDead, readRecord, recordRef } from './observe.ts'
import { readRevisions, readStored } from './revisions.ts'
import { uninstall } from './remove.ts'
import { announce } from './status.ts'
import type { Work } from './work.ts'

/**
 * Releases that this HelmRelease has records of under other names or in other namespaces. Asked for only where it may have been renamed
 * since it was looked at last; else what the record of the release says.
 */
export async function findLeft(work: Work, deps: SyncReleaseDeps): Promise<readonly LeftRelease[]> {
  const { spec, stored, signal } = work
  const own = stored.record?.owner.uid === spec.uid ? stored.record : undefined
  const { nothingLeft } = memoryOf(deps)
  const id = `${spec.namespace}/${spec.name}`
  const target = `${spec.targetNamespace}/${spec.release}`
  let left: readonly LeftRelease[] = own?.left ?? []
  if (mayBeRenamed(work, own !== undefined, nothingLeft.get(id), target)) {
    const query = { apiVersion: 'v1', kind: 'ConfigMap', labelSelector: recordSelector(spec.uid) }
    const found = await listWhereAllowed(query, [spec.namespace, spec.targetNamespace], deps, signal)
    left = found.flatMap((object) => leftIn(object, spec))
  }
  if (left.length === 0) nothingLeft.set(id, { uid: spec.uid, generation: spec.generation, target })
  else nothingLeft.delete(id)
  return left
}

/** What was never renamed has left nothing, nor has what had left nothing and goes where it was; what has no record yet may have. */
function mayBeRenamed(
  { spec, status }: Work,
  hasRecord: boolean,
  known: NothingLeft | undefined,
  target: string,
): boolean {
  const { observedGeneration } = status.current()
  if (spec.generation <= 1) return false
  // another process may have looked at a generation in between, in which it went elsewhere
  const isWhereItWas = known?.uid === spec.uid && known.target === target && known.generation === observedGeneration
  return !hasRecord || (observedGeneration !== spec.generation && !isWhereItWas)
}

/** What a record says of a release that is not the one wanted now, and that Capstan wrote to. */
function leftIn({ metadata, data }: KubeObject, spec: ReleaseSpec): LeftRelease[] {
  const record = parseRecord((data as Record<string, string> | undefined)?.['record.json'])
  const { namespace = '', name } = metadata
  const own = recordRef(spec)
  if (record?.owner.uid !== spec.uid || (name === own.name && namespace === own.namespace)) return []
  if (!record.applied && !record.failed && !record.intent) return []
  return [{ namespace, release: name.slice(own.name.length - spec.release.length) }]
}

/**
 * What a rename left behind, once the new release is deployed: removed where somebody wants it and nothing stands against it, else told
 * (ruling 21). Gives a sentence for each one that stays.
 */
export async function tidyLeft(work: Work, deps: SyncReleaseDeps): Promise<string[]> {
  const messages: string[] = []
  const staying: LeftRelease[] = []
  for (const left of work.left) {
    const message = await tidyOne(left, work, deps)
    if (message === undefined) continue
    staying.push(left)
    messages.push(message)
  }
  await noteLeft(work, staying, deps)
  const known = work.status.current().conditions?.find(({ type }) => type === 'Released')?.message ?? ''
  for (const message of messages) if (!known.includes(message)) await tell(message, work, deps)
  return messages
}

async function tidyOne(left: LeftRelease, work: Work, deps: SyncReleaseDeps): Promise<string | undefined> {
  const { signal } = work
  const spec = { ...work.spec, release: left.release, targetNamespace: left.namespace }
  const stored = await readRecord(spec, deps, signal)
  if (stored.record?.owner.uid !== spec.uid) return undefined
  const old = { ...work, spec, stored, revisions: await readRevisions(spec, deps, signal) }
  if (old.revisions.length === 0) {
    await deps.cluster.delete(recordRef(spec), {}, signal)
    return undefined
  }
  const whyNot = (await whyKept(old, work, deps)) ?? whyNeverRemoved(await readManifests(old, work, deps))
  if (whyNot || !isRemovalWanted(work.object, left)) return leftMessage(left, whyNot)
  try {
    await uninstall(work.object, old, deps)
  } catch (error) {
    signal.throwIfAborted()
    return leftMessage(left, `it could not be removed (${toAppError(error).message})`)
  }
  await deps.cluster.delete(recordRef(spec), {}, signal)
  const message = `release ${left.release} in ${left.namespace}, left by a rename, was uninstalled`
  deps.log.info({ release: `${spec.namespace}/${spec.name}` }, message)
  await announce(work.object, { type: 'Normal', reason: 'OldReleaseRemoved', message }, deps, signal)
  return undefined
}

/** It is not to be removed by us, or somebody else may have taken it since, or be about to. */
async function whyKept(old: Work, { signal }: Work, deps: SyncReleaseDeps): Promise<string | undefined> {
  const { spec, stored } = old
  const { intent } = stored.record ?? {}
  if (await isCapstanItself(old, deps)) return 'Capstan itself runs from it'
  if (intent && !(await isDead(intent.epoch, deps))) return 'another process is at work on it'
  const all = await listWhereAllowed(helmReleaseKind, [spec.namespace, spec.targetNamespace], deps, signal)
  const other = all.find((object) => object.metadata.uid !== spec.uid && claims(object, spec))
  return other && `HelmRelease ${other.metadata.name} asks for it`
}

async function readManifests(old: Work, now: Work, deps: SyncReleaseDeps) {
  const { signal } = now
  const placed = async (ref: ObjectRef, namespace: string): Promise<ObjectRef> => {
    const isClusterScoped = (await deps.cluster.resource(ref.apiVersion, ref.kind, signal))?.namespaced === false
    return isClusterScoped ? ref : { namespace, ...ref }
  }
  const refs = async (work: Work): Promise<ObjectRef[] | undefined> => {
    const release = await readStored(work, deps)
    return release && (await Promise.all(release.objects.map((ref) => placed(ref, work.spec.targetNamespace))))
  }
  return { old: await refs(old), now: (await refs(now)) ?? [] }
}

async function tell(message: string, { object, signal }: Work, deps: SyncReleaseDeps): Promise<void> {
  deps.log.warn({ release: `${object.metadata.namespace ?? ''}/${object.metadata.name}` }, message)
  await announce(object, { type: 'Warning', reason: 'OldReleaseLeft', message }, deps, signal)
}
