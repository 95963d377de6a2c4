import {
  type Applied,
  type Failed,
  type HelmVerb,
  inputsOf,
  isFailedWish,
  type ReleaseRecord,
} from '../../domain/release/record.ts'
import { backoffMs } from '../../domain/work/backoff.ts'
import { legacyReleaseKind } from '../../domain/release/spec.ts'
import type { LeftRelease } from '../../domain/release/left-behind.ts'
import { countUpgrade } from '../../domain/release/upgrade-loop.ts'
import type { SyncReleaseDeps } from './deps.ts'
import { narrate, nouns } from './narrate.ts'
import { asMissingNamespace, recordRef, writeRecord } from './observe.ts'
import type { PreparedWork, StoredRecord, Wanted, Work } from './work.ts'

/** `inputs`: what is about to be deployed. `failed`: what is remembered meanwhile; else what was. */
type Beginning = { verb: HelmVerb; inputs?: string; failed?: Failed | undefined }

/** Intent before the write (hazard A3); it also claims the release for this process (W4). */
export async function begin(
  work: Work,
  { verb, inputs = '', failed = work.stored.record?.failed }: Beginning,
  deps: SyncReleaseDeps,
): Promise<void> {
  const at = deps.now().toISOString()
  const intent = { verb, revision: latestOf(work) + 1, epoch: deps.fence.epoch, at, inputs }
  const { applied } = work.stored.record ?? {}
  const kept = { ...(applied ? { applied } : {}), ...(failed ? { failed } : {}) }
  // counted before it is done, so that one that nobody lived to note counts too
  const now = deps.now().getTime()
  const counted = { inputs, generation: work.spec.generation, now }
  const upgrades = verb === 'upgrade' ? { upgrades: countUpgrade(work.stored.record?.upgrades, counted) } : {}
  // until a finalizer keeps the HelmRelease, only the record says with whose rights the release would be removed
  const account = verb === 'install' ? accountOf(work.spec.serviceAccount) : {}
  await write(work, { ...ground(work, deps), ...kept, ...upgrades, ...account, intent }, deps)
}

function accountOf(serviceAccount: string): Pick<ReleaseRecord, 'account'> {
  return serviceAccount === '' ? {} : { account: serviceAccount }
}

/** Nothing was written under this intent: the record is again as it was before. */
export async function takeBack(before: StoredRecord, work: Work, deps: SyncReleaseDeps): Promise<void> {
  if (before.record) return await write(work, before.record, deps)
  const { resourceVersion } = work.stored
  deps.fence.check()
  await deps.cluster.delete(recordRef(work.spec), { resourceVersion }, work.signal)
  work.stored = before
}

/** The intent is over; what is not named is forgotten. */
export async function settle(
  work: Work,
  result: Pick<ReleaseRecord, 'applied' | 'failed' | 'good' | 'pinned'>,
  deps: SyncReleaseDeps,
): Promise<void> {
  const { applied, failed } = result
  const isGood = applied !== undefined && failed === undefined && !applied.readyDue && !mustTest(applied, work)
  await write(work, { ...ground(work, deps), ...(isGood ? { good: applied.revision } : {}), ...result }, deps)
}

async function write(work: Work, record: ReleaseRecord, deps: SyncReleaseDeps): Promise<void> {
  try {
    await writeRecord(work, record, deps)
  } catch (error) {
    throw asMissingNamespace(error, work.spec)
  }
}

/** First contact with a release in trouble: these inputs are not tried on it (ruling 10). */
export async function noteHold(work: PreparedWork, deps: SyncReleaseDeps): Promise<void> {
  const { record } = work.stored
  const { uid, serviceAccount } = work.spec
  if (record?.held && record.owner.uid === uid) return
  const held = { inputs: inputsOf(digestsOf(work.wanted)) }
  await write(work, { ...ground(work, deps), ...accountOf(serviceAccount), held }, deps)
}

/** What stays of releases that were left behind. */
export async function noteLeft(work: Work, left: readonly LeftRelease[], deps: SyncReleaseDeps): Promise<void> {
  work.left = left
  const { record } = work.stored
  if (!record || JSON.stringify(record.left ?? []) === JSON.stringify(left)) return
  const { left: _before, ...rest } = record
  await write(work, { ...rest, ...(left.length > 0 ? { left: [...left] } : {}) }, deps)
}

/**
 * A release that no finalizer keeps is left when its HelmRelease is deleted while it is suspended, and else removed with the rights of its
 * account; afterwards only this says so.
 */
export async function noteSuspension(work: Work, suspended: boolean, deps: SyncReleaseDeps): Promise<void> {
  const { record } = work.stored
  const { uid, serviceAccount } = work.spec
  if (deps.finalizer || record?.owner.uid !== uid) return
  if ((record.suspended ?? false) === suspended && (record.account ?? '') === serviceAccount) return
  const { suspended: _before, account: _old, ...rest } = record
  await write(work, { ...rest, ...accountOf(serviceAccount), ...(suspended ? { suspended: true } : {}) }, deps)
}

/** The record without what happened; made anew for another owner. */
function ground({ object, spec, stored: { record }, left }: Work, deps: SyncReleaseDeps): ReleaseRecord {
  const { uid, namespace, name } = spec
  const own = record?.owner.uid === uid ? record : undefined
  const { upgrades, good, pinned } = own ?? {}
  const since = own?.since || deps.now().toISOString()
  const kept = {
    ...(left.length > 0 ? { left: [...left] } : {}),
    ...(good === undefined ? {} : { good }),
    ...(upgrades ? { upgrades } : {}),
    ...(deps.finalizer ? {} : accountOf(spec.serviceAccount)),
    ...(pinned ? { pinned } : {}),
    ...(object.apiVersion === legacyReleaseKind.apiVersion ? { legacy: true as const } : {}),
  }
  return { version: 1, owner: { uid, namespace, name }, since, ...kept }
}

type Failing = { by: Failed['by']; outcome: Pick<Failed, 'reason' | 'message'>; stored: boolean }

/** Remembers the inputs, so that they are damped and not tried in a loop (ruling 11). */
export async function noteFailure(
  work: PreparedWork,
  { by, outcome, stored }: Failing,
  deps: SyncReleaseDeps,
): Promise<void> {
  const { record } = work.stored
  const inputs = inputsOf(digestsOf(work.wanted))
  const isSame = record?.failed?.inputs === inputs && isFailedWish(record.failed, work.spec)
  const earlier = isSame ? record.failed : undefined
  const attempts = (earlier?.attempts ?? 0) + 1
  const began = beginningOf(work)
  const failed: Failed = {
    inputs,
    by,
    generation: work.spec.generation,
    ...accountOf(work.spec.serviceAccount),
    attempts,
    revision: latestOf(work),
    stored,
    rollbacks: earlier?.rollbacks ?? 0,
    reason: outcome.reason,
    message: outcome.message,
    ...(began === undefined ? {} : { began }),
    ...retryTimes({ attempts, began }, deps),
  }
  narrate(work.spec, `${nouns[by]} failed: ${outcome.message}`, deps)
  const applied = record?.applied
  // a failure has its back-off and is no part of a loop
  if (record?.upgrades) record.upgrades = { ...record.upgrades, count: Math.max(0, record.upgrades.count - 1) }
  await settle(work, { ...(applied ? { applied } : {}), failed }, deps)
}

/**
 * What is rolled back and tried again is so at the Operator's ticks, which went on while it was tried (helm-operator §4.1): what took
 * long has waited already.
 */
function beginningOf({ spec, stored: { record } }: Work): string | undefined {
  const { enable, retry } = spec.rollback
  return enable && retry ? (record?.intent?.at ?? record?.applied?.readyDue?.since) : undefined
}

/** When it was tried, and when it may be tried again: 5 s doubling to 15 min, ± 20 %. */
export function retryTimes(
  { attempts, began }: Pick<Failed, 'attempts'> & { began?: string | undefined },
  { now, random }: SyncReleaseDeps,
): Pick<Failed, 'at' | 'retryAt'> {
  const at = now()
  const start = began === undefined ? at.getTime() : Math.min(Date.parse(began), at.getTime())
  const due = start + backoffMs(attempts, random)
  return { at: at.toISOString(), retryAt: new Date(Math.max(due, at.getTime())).toISOString() }
}

/** The wanted inputs as deployed with the newest revision; its tests are due once they are asked for. */
export function appliedNow(work: PreparedWork): Applied & { testDue: true } {
  const { chart } = work.wanted
  const { uid } = work.revisions.at(-1) ?? {}
  const made = { revision: latestOf(work), ...(uid ? { uid } : {}) }
  return { ...digestsOf(work.wanted), chartRevision: chart.revision, ...made, testDue: true }
}

/** Tests are asked for, and have not passed yet. */
export function mustTest({ testDue }: Applied, { spec }: Pick<Work, 'spec'>): boolean {
  return testDue === true && spec.test.enable
}

/** Digests of chart and values. */
export function digestsOf({ chart, digest }: Wanted): { chart: string; values: string } {
  return { chart: chart.digest, values: digest }
}

/** helm's newest revision as last looked at; 0 for none. */
export function latestOf({ revisions }: Work): number {
  return revisions.at(-1)?.revision ?? 0
}
