import { AppError, toAppError } from '../../domain/error.ts'
import type { KubeObject, ObjectRef } from '../../domain/manifest/object.ts'
import { definitionName } from '../../domain/release/definition.ts'
import { nameProblem, type ReleaseSpec } from '../../domain/release/spec.ts'
import type { Outcome } from '../../domain/work/job.ts'
import { countAction } from './count.ts'
import type { SyncReleaseDeps } from './deps.ts'
import { finalizer, readAgain, writeFinalizers } from './finalizer.ts'
import { narrate } from './narrate.ts'
import { isDead, readRecord, recordRef, writeRecord } from './observe.ts'
import { readRevisions } from './revisions.ts'
import { accountProblem } from './rights.ts'
import { isCapstanItself, takenByOther } from './made-objects.ts'
import type { StoredRecord } from './work.ts'
import { announce } from './status.ts'
import { tellRemoval } from './tell-history.ts'

const neverWritten = 'Capstan never wrote to it'

/** Another process still works on the release that is to be removed. */
const busyMs = 3_000

/**
 * The HelmRelease is being deleted, or was while its release was installed: uninstalls the release and lets the object go. Needs neither
 * git nor a registry. The release stays, and the object goes at once, where it is not ours, where the namespace or the definition is
 * going too, where it is suspended, or where its account must not read it, or its name is none.
 */
export async function removeRelease(
  object: KubeObject,
  spec: ReleaseSpec,
  deps: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<Outcome> {
  const { why, stored } = await judge(spec, deps, signal)
  if (stored) {
    const { intent } = stored.record ?? {}
    if (intent && !(await isDead(intent.epoch, deps))) {
      return { end: 'again', afterMs: busyMs, why: 'another process is at work on this release' }
    }
    const work = { spec, stored, signal }
    await uninstall(object, work, deps)
    // whoever wrote it since has the name by now
    const { record, resourceVersion } = work.stored
    if (record) await deps.cluster.delete(recordRef(spec), { resourceVersion }, signal)
  }
  const found = await readAgain(object, deps, signal)
  const finalizers = found?.metadata.finalizers ?? []
  if (found && finalizers.includes(finalizer)) {
    if (why) await announce(object, { type: 'Normal', reason: 'ReleaseLeft', message: stays(spec, why) }, deps, signal)
    const others = finalizers.filter((one) => one !== finalizer)
    await writeFinalizers(found, others, deps, signal)
  }
  const summary = why ? stays(spec, why) : `release ${spec.release} was uninstalled`
  if (!why) await tellRemoval(spec, summary, deps)
  if (finalizers.includes(finalizer) || !why) deps.log.info({ release: `${spec.namespace}/${spec.name}` }, summary)
  return { end: 'done', summary }
}

/** The HelmRelease of a release that was held since the first contact is gone: the release stays, which is told, and our record goes. */
export async function leaveHeld(
  object: KubeObject,
  spec: ReleaseSpec,
  deps: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<Outcome> {
  const why = `${neverWritten}; ${byHand(spec)}`
  const summary = stays(spec, why)
  if (await forgetHeld(spec, deps, signal)) {
    deps.log.info({ release: `${spec.namespace}/${spec.name}` }, summary)
    await announce(object, { type: 'Normal', reason: 'ReleaseLeft', message: summary }, deps, signal)
  }
  return { end: 'done', summary }
}

/** False where there is no such record any more, or where the account has no rights any more. */
async function forgetHeld(spec: ReleaseSpec, deps: SyncReleaseDeps, signal: AbortSignal): Promise<boolean> {
  try {
    const { record, resourceVersion } = await readRecord(spec, deps, signal)
    if (!record?.held || record.owner.uid !== spec.uid) return false
    deps.fence.check()
    await deps.cluster.delete(recordRef(spec), { resourceVersion }, signal)
    return true
  } catch (error) {
    if (toAppError(error).reason === 'Forbidden') return false
    throw error
  }
}

function byHand({ release, targetNamespace }: ReleaseSpec): string {
  return `remove it with: helm uninstall ${release} --namespace ${targetNamespace}`
}

function stays({ release }: ReleaseSpec, why: string): string {
  return `release ${release} is left as it is: ${why}`
}

/** Begins with an intent; throws what helm says, after it was told. */
export async function uninstall(
  object: KubeObject,
  work: { spec: ReleaseSpec; stored: StoredRecord; signal: AbortSignal },
  deps: SyncReleaseDeps,
): Promise<void> {
  const { spec, signal } = work
  const revisions = await readRevisions(spec, deps, signal)
  const { record } = work.stored
  if (revisions.length === 0 || !record) return
  const at = deps.now().toISOString()
  const revision = (revisions.at(-1)?.revision ?? 0) + 1
  const intent = { verb: 'uninstall' as const, revision, epoch: deps.fence.epoch, at, inputs: '' }
  await writeRecord(work, { ...record, intent }, deps)
  narrate(spec, 'running uninstall', deps)
  deps.fence.check()
  const began = deps.now().getTime()
  const target = { release: spec.release, namespace: spec.targetNamespace, timeoutSeconds: spec.timeoutSeconds }
  const outcome = await deps.helm.uninstall(target, signal)
  signal.throwIfAborted()
  countAction('uninstall', { success: outcome.ok, began }, work, deps)
  if (outcome.ok) return
  const message = `release ${spec.release} could not be uninstalled: ${outcome.message}`
  await announce(object, { type: 'Warning', reason: 'FailedReleaseSync', message }, deps, signal)
  throw new AppError(outcome.reason, message)
}

type Judged = { why: string; stored?: undefined } | { why?: undefined; stored: StoredRecord }

/**
 * Why the release is not uninstalled, else its record. What needs our own rights only is asked first: with a namespace the rights of the
 * account in it go, at any time before the HelmRelease. What the account must not read is left, so that nothing waits for ever.
 */
async function judge(spec: ReleaseSpec, deps: SyncReleaseDeps, signal: AbortSignal): Promise<Judged> {
  const why = whyNever(spec, deps) ?? (await whyGoing(spec, deps, signal))
  if (why) return { why }
  try {
    const stored = await readRecord(spec, deps, signal)
    const stays = await whyItStays(spec, stored, deps, signal)
    return stays ? { why: stays } : { stored }
  } catch (error) {
    const { reason, message } = toAppError(error)
    if (reason === 'Forbidden') return { why: message }
    throw error
  }
}

function whyNever(spec: ReleaseSpec, deps: SyncReleaseDeps): string | undefined {
  return spec.suspended ? 'it is suspended' : (nameProblem(spec) ?? accountProblem(spec, deps))
}

/** Which of its surroundings is going, too. */
async function whyGoing(spec: ReleaseSpec, deps: SyncReleaseDeps, signal: AbortSignal): Promise<string | undefined> {
  for (const name of new Set([spec.namespace, spec.targetNamespace])) {
    if (await isGoing({ apiVersion: 'v1', kind: 'Namespace', name }, deps, signal)) return `namespace ${name} is going`
  }
  const definition = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', name: definitionName }
  return (await isGoing(definition, deps, signal)) ? 'the definition of HelmReleases is going' : undefined
}

/** Why the release is not uninstalled; undefined when it is ours. */
async function whyItStays(
  spec: ReleaseSpec,
  { record }: StoredRecord,
  deps: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!record || record.owner.uid !== spec.uid) return 'it does not belong to this HelmRelease'
  if (!record.applied && !record.failed && !record.intent) return neverWritten
  const found = { spec, revisions: await readRevisions(spec, deps, signal), signal }
  if (await isCapstanItself(found, deps)) return `Capstan itself runs from it; ${byHand(spec)}`
  return await takenByOther(found, deps)
}

/** Gone or on its way. Where we must not look (rights in one namespace only) it counts as staying. */
async function isGoing(ref: ObjectRef, { cluster }: SyncReleaseDeps, signal: AbortSignal): Promise<boolean> {
  try {
    const found = await cluster.get(ref, { metadataOnly: true, signal })
    return !found || found.metadata.deletionTimestamp !== undefined
  } catch (error) {
    if (toAppError(error).reason === 'Forbidden') return false
    throw error
  }
}
