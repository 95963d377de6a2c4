import type { HelmOutcome, StoredRelease } from '../../adapters/helm/index.ts'
import type { KubeObject } from '../../domain/manifest/object.ts'
import type { ReadyDue } from '../../domain/release/record.ts'
import type { ReleaseSpec } from '../../domain/release/spec.ts'
import type { HelmState, StoredRevision } from '../../domain/release/state.ts'
import { isWithin } from '../../lib/steady-clock.ts'
import type { SyncReleaseDeps } from './deps.ts'
import { keepSeen } from './memory.ts'
import type { Work } from './work.ts'

/** Of the names of helm's Secrets. */
export const revisionPrefix = 'sh.helm.release.v1.'

/** What was read so lately is not read again before a decision; helm itself refuses what came in between. */
const freshMs = 1_000

/** What helm stored, from the labels of its Secrets alone (helm-operator §3.4). Oldest first. */
export async function readRevisions(
  spec: ReleaseSpec,
  deps: SyncReleaseDeps,
  signal: AbortSignal,
  { mayBeOld = false }: { mayBeOld?: boolean } = {},
): Promise<StoredRevision[]> {
  const query = {
    apiVersion: 'v1',
    kind: 'Secret',
    namespace: spec.targetNamespace,
    labelSelector: `owner=helm,name=${spec.release}`,
    metadataOnly: true,
    mayBeOld,
  }
  const secrets = await deps.cluster.list(query, signal)
  keepSeen(spec, secrets, deps)
  return secrets
    .map(revisionOf)
    .filter(({ revision }) => Number.isInteger(revision))
    .toSorted((a, b) => a.revision - b.revision)
}

/**
 * The newest revision alone, where it is the expected one and deployed: two reads by name, while a list of helm's Secrets costs the API
 * server more with each release in the namespace. Undefined where it is not so.
 */
async function readExpected(
  expected: number,
  { spec, signal }: Pick<Work, 'spec' | 'signal'>,
  deps: SyncReleaseDeps,
): Promise<StoredRevision[] | undefined> {
  const [found, next] = await Promise.all(
    [expected, expected + 1].map((revision) =>
      deps.cluster.get(secretRef(spec, revision), { metadataOnly: true, signal }),
    ),
  )
  const newest = found && revisionOf(found)
  if (!found || next || newest?.state !== 'deployed' || newest.revision !== expected) return undefined
  keepSeen(spec, [found], deps)
  return [newest]
}

function revisionOf({ metadata: { labels, uid, creationTimestamp = '' } }: KubeObject): StoredRevision {
  return {
    ...(uid ? { uid } : {}),
    revision: Number(labels?.version),
    state: (labels?.status ?? 'unknown') as HelmState,
    changedAt: Number(labels?.modifiedAt ?? labels?.createdAt) * 1000 || Date.parse(creationTimestamp) || 0,
  }
}

/**
 * Reads helm's revisions again; with the number that the newest one is expected to have only that, if it is so. A run that was told to
 * stop must not write any more.
 */
export async function lookAgain(work: Work, deps: SyncReleaseDeps, expected?: number): Promise<void> {
  work.signal.throwIfAborted()
  const newest = expected === undefined ? undefined : await readExpected(expected, work, deps)
  work.revisions = newest ?? (await readRevisions(work.spec, deps, work.signal))
  work.revisionsAt = deps.now().getTime()
}

/**
 * After helm has ended: its revisions again. A helm that was killed, or whose rollback hook failed, leaves its revision pending, which locks
 * the release for everybody: that revision is marked as failed, as helm itself does it when it can (helm-operator §4.2).
 */
export async function lookAfter(outcome: HelmOutcome, work: Work, deps: SyncReleaseDeps): Promise<void> {
  await lookAgain(work, deps)
  const { revision = 0 } = work.stored.record?.intent ?? {}
  const isLocked = work.revisions.at(-1)?.revision === revision && work.revisions.at(-1)?.state.startsWith('pending-')
  if (outcome.ok || outcome.isTaken || !isLocked) return
  await markRevision(revision, `Marked as failed by Capstan: ${outcome.message}`, work, deps)
  await lookAgain(work, deps)
}

/**
 * The first look at a release that Capstan knows nothing of. That there is none is believed from the API server's cache, which costs it
 * little however many releases the namespace has: helm itself looks again, and does not install over one.
 */
export async function lookFirst(work: Work, deps: SyncReleaseDeps): Promise<void> {
  work.signal.throwIfAborted()
  const found = await readRevisions(work.spec, deps, work.signal, { mayBeOld: true })
  if (found.length > 0) return await lookAgain(work, deps)
  work.revisions = []
  work.revisionsAt = deps.now().getTime()
}

/**
 * After helm has ended well: the revision that it made, with all that is in it. The API server's cache may answer, since helm writes
 * `deployed` last. Where it is not there as it should be, all are looked at as in {@link lookAgain}.
 */
export async function lookAtMade(work: Work, revision: number, deps: SyncReleaseDeps): Promise<void> {
  work.signal.throwIfAborted()
  const made = await readStoredSecret(work, revision, deps, { mayBeOld: true })
  const found = made && revisionOf(made)
  if (!made || !found || found.revision !== revision || found.state !== 'deployed') return await lookAgain(work, deps)
  if (found.changedAt < beganAt(work)) return await lookAgain(work, deps)
  keepSeen(work.spec, [made], deps)
  work.revisions = [found]
  work.made = made
  work.revisionsAt = deps.now().getTime()
}

/** In the whole seconds that helm counts in. The cache may still know a revision of this number that was uninstalled before. */
function beganAt({ stored: { record } }: Work): number {
  const at = Date.parse(record?.intent?.at ?? '')
  return Number.isNaN(at) ? 0 : Math.floor(at / 1000) * 1000
}

/** True when helm's revisions were read a moment ago, and nothing was done since. */
export function isFresh({ revisionsAt }: Work, { now }: SyncReleaseDeps): boolean {
  return revisionsAt !== undefined && isWithin(revisionsAt, now().getTime(), freshMs)
}

/** helm's newest revision, decoded. */
export async function readStored(
  work: Pick<Work, 'spec' | 'revisions' | 'made' | 'signal'>,
  deps: SyncReleaseDeps,
): Promise<StoredRelease | undefined> {
  const { made, spec } = work
  const newest = work.revisions.at(-1)?.revision ?? 0
  const { namespace, name } = secretRef(spec, newest)
  const isMade = made?.metadata.name === name && made.metadata.namespace === namespace
  const secret = isMade ? made : await readStoredSecret(work, newest, deps)
  return secret && deps.decode(secret)
}

export async function readStoredSecret(
  { spec, signal }: Pick<Work, 'spec' | 'signal'>,
  revision: number,
  { cluster }: SyncReleaseDeps,
  { mayBeOld = false }: { mayBeOld?: boolean } = {},
): Promise<KubeObject | undefined> {
  return await cluster.get(secretRef(spec, revision), { signal, mayBeOld })
}

/** Where helm stores a revision. */
export function secretRef({ release, targetNamespace }: ReleaseSpec, revision: number) {
  const name = `${revisionPrefix}${release}.v${revision}`
  return { apiVersion: 'v1', kind: 'Secret', namespace: targetNamespace, name }
}

/** Marks helm's own record of a revision as failed, with these words. False when there is no such record. */
export async function markRevision(revision: number, why: string, work: Work, deps: SyncReleaseDeps): Promise<boolean> {
  const secret = await readStoredSecret(work, revision, deps)
  const failed = secret && deps.helm.markFailed(secret, why)
  if (!failed) return false
  deps.fence.check()
  await deps.cluster.replace(failed, work.signal)
  return true
}

/** What helm is told of every release. */
export function target({ spec }: Work): { release: string; namespace: string } {
  return { release: spec.release, namespace: spec.targetNamespace }
}

/** The last moment that a Date can say. */
const lastMs = 8.64e15

/** Readiness of what helm made just now is waited for so long, from now on. */
export function waitFrom(now: Date, timeoutSeconds: number, { stored: { record } }: Work): Omit<ReadyDue, 'by'> {
  const since = now.toISOString()
  const until = new Date(Math.min(now.getTime() + timeoutSeconds * 1000, lastMs)).toISOString()
  return { began: record?.intent?.at ?? since, since, until }
}
