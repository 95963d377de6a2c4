import type { StoredRelease } from '../../adapters/helm/index.ts'
import { AppError, toAppError } from '../../domain/error.ts'
import { conditionOf, mapAt } from '../../domain/health/fields.ts'
import type { KubeObject } from '../../domain/manifest/object.ts'
import { adoptionOf, isApproved } from '../../domain/release/approval.ts'
import { antecedentOf, claims, otherAntecedent, readAntecedent } from '../../domain/release/ownership.ts'
import { isWaitedFor, type Readiness, readinessOf } from '../../domain/release/readiness.ts'
import { labelsOf, parseRecord, type ReleaseRecord, recordName } from '../../domain/release/record.ts'
import { helmReleaseKind, type ReleaseSpec } from '../../domain/release/spec.ts'
import { isRollbackWaited, isWaited, mustCompareStored, type ReleaseFacts } from '../../domain/release/state.ts'
import type { SyncReleaseDeps } from './deps.ts'
import { isStored } from './is-stored.ts'
import { isFresh, lookAgain, lookFirst, readStored } from './revisions.ts'
import type { StoredRecord, Work } from './work.ts'

export async function readRecord(
  spec: ReleaseSpec,
  deps: SyncReleaseDeps,
  signal: AbortSignal,
  { mayBeOld = false }: { mayBeOld?: boolean } = {},
): Promise<StoredRecord> {
  const found = await deps.cluster.get(recordRef(spec), { signal, mayBeOld })
  const record = parseRecord((found?.data as Record<string, string> | undefined)?.['record.json'])
  return { record, resourceVersion: found?.metadata.resourceVersion ?? '' }
}

/**
 * The record of a HelmRelease that has no status yet has hardly been made. That there is none is believed from the API server's cache: who
 * made one meanwhile is met when ours is to be made, before helm is run.
 */
export async function readRecordOf({ object, spec, signal }: Work, deps: SyncReleaseDeps): Promise<StoredRecord> {
  const isNew = object.status === undefined
  const found = isNew ? await readRecord(spec, deps, signal, { mayBeOld: true }) : undefined
  return found && found.resourceVersion === '' ? found : await readRecord(spec, deps, signal)
}

/** Writes the record under the version that was read: somebody else's write in between ends this run (law 4). */
export async function writeRecord(
  work: Pick<Work, 'spec' | 'stored' | 'signal'>,
  record: ReleaseRecord,
  deps: SyncReleaseDeps,
): Promise<void> {
  const { spec, stored, signal } = work
  if (JSON.stringify(record) === JSON.stringify(stored.record)) return
  deps.fence.check()
  const { name, namespace } = recordRef(spec)
  const object: KubeObject = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, labels: labelsOf(record) },
    data: { 'record.json': JSON.stringify(record) },
  }
  if (stored.resourceVersion !== '') object.metadata.resourceVersion = stored.resourceVersion
  const written = await (stored.resourceVersion === ''
    ? deps.cluster.create(object, signal)
    : deps.cluster.replace(object, signal))
  work.stored = { record, resourceVersion: written.metadata.resourceVersion ?? '' }
}

export function recordRef(spec: ReleaseSpec) {
  return { apiVersion: 'v1', kind: 'ConfigMap', namespace: spec.targetNamespace, name: recordName(spec.release) }
}

/** Looks at the world; what is dear is read only where the answer depends on it. */
export async function observe(work: Work, deps: SyncReleaseDeps): Promise<ReleaseFacts> {
  const { spec, wanted } = work
  const { record } = work.stored
  if (!isFresh(work, deps)) await (record ? lookAgain(work, deps, expectedRevision(work)) : lookFirst(work, deps))
  const otherOwner = await findOtherOwner(work, deps)
  const facts: ReleaseFacts = {
    now: deps.now().getTime(),
    uid: spec.uid,
    revisions: work.revisions,
    record,
    intentIsDead: record?.intent ? await isDead(record.intent.epoch, deps) : true,
    wasRolledBack: wasRolledBack(work.object),
    mayAdopt:
      deps.adoptFailed === 'upgrade' || isApproved(work.object, adoptionOf(work.revisions.at(-1)?.revision ?? 0)),
    ...(otherOwner ? { otherOwner } : {}),
    ...(wanted ? { wanted: { chart: wanted.chart.digest, values: wanted.digest } } : {}),
  }
  if (wanted && isDue(work, facts)) return { ...facts, readiness: await readReadiness(work, deps) }
  if (!wanted || !mustCompareStored(facts)) return facts
  return { ...facts, storedIsWanted: await isStored(work, wanted, deps) }
}

/** Its objects are waited for. */
function isDue({ spec, revisions }: Work, facts: ReleaseFacts): boolean {
  const latest = revisions.at(-1)
  return latest !== undefined && ((spec.wait && isWaited(latest, facts)) || isRollbackWaited(latest, facts))
}

/** What helm's newest revision is, if nobody was there since. After a failure the older ones count too: where a rollback goes. */
function expectedRevision({ spec, stored: { record } }: Work): number | undefined {
  return record?.owner.uid === spec.uid && !record.failed ? record.applied?.revision : undefined
}

/** Our own epoch counts as dead here: one run per release goes on in a process, so an intent of ours is of a run that ended. */
export async function isDead(epoch: string, { fence }: SyncReleaseDeps): Promise<boolean> {
  return epoch === fence.epoch || (await fence.isDead(epoch))
}

/**
 * Another HelmRelease that exists and claims this release. Our record tells; without one of ours the antecedent annotations of the
 * release's objects do (helm-operator §4.4).
 */
async function findOtherOwner(work: Work, deps: SyncReleaseDeps): Promise<string | undefined> {
  const { spec, stored, signal } = work
  const owner = stored.record?.owner
  if (owner?.uid === spec.uid) return undefined
  if (owner) {
    const found = await deps.cluster.get(
      { ...helmReleaseKind, namespace: owner.namespace, name: owner.name },
      { signal },
    )
    if (found?.metadata.uid === owner.uid && claims(found, spec)) return antecedentOf(owner)
    return undefined
  }
  const release = work.revisions.length > 0 ? await readStored(work, deps) : undefined
  const id = release && otherAntecedent(await readObjects(release, work, deps), antecedentOf(spec))
  const named = id ? readAntecedent(id) : undefined
  if (!named) return undefined
  const found = await deps.cluster.get({ ...helmReleaseKind, ...named }, { signal })
  return found && claims(found, spec) ? id : undefined
}

/**
 * One free object is enough to know that nobody else has the release, so not all of a big one are read. One that must not be read says
 * nothing of that.
 */
const mostAsked = 20

async function readObjects(
  { objects }: StoredRelease,
  { spec, signal }: Work,
  { cluster }: SyncReleaseDeps,
): Promise<(KubeObject | undefined)[]> {
  const read = objects.slice(0, mostAsked).map(async (ref) => {
    try {
      return [await cluster.get({ namespace: spec.targetNamespace, ...ref }, { metadataOnly: true, signal })]
    } catch (error) {
      const { reason } = toAppError(error)
      if (reason === 'UnknownKind') return [undefined]
      if (reason === 'Forbidden') return []
      throw error
    }
  })
  return (await Promise.all(read)).flat()
}

/** Of what the newest revision made, as far as it is waited for. */
async function readReadiness(work: Work, deps: SyncReleaseDeps): Promise<Readiness> {
  const release = await readStored(work, deps)
  const refs = (release?.objects ?? [])
    .filter(isWaitedFor)
    .map((ref) => ({ namespace: work.spec.targetNamespace, ...ref }))
  return readinessOf(
    await Promise.all(refs.map(async (ref) => ({ ref, live: await deps.cluster.get(ref, { signal: work.signal }) }))),
  )
}

/** The Operator stood still on what it had rolled back (helm-operator §4.1-6); so do we at first contact (ruling 10). */
function wasRolledBack(object: KubeObject): boolean {
  const { observedGeneration } = mapAt(object, 'status')
  return conditionOf(object, 'RolledBack')?.status === 'True' && observedGeneration === object.metadata.generation
}

/** The namespace of the release must be there before anything can be written into it; Capstan never makes it (helm-operator §2). */
export function asMissingNamespace(error: unknown, { targetNamespace }: ReleaseSpec): AppError {
  const failure = toAppError(error)
  if (failure.reason !== 'ApplyRefused' || !/namespaces? .*not found/i.test(failure.message)) return failure
  return new AppError('HelmFailed', `namespace "${targetNamespace}" does not exist`, { cause: error })
}
