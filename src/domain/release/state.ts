import type { Readiness } from './readiness.ts'
import { type Applied, inputsOf, type ReleaseRecord } from './record.ts'

/** helm's words for a revision (helm.sh/helm/v3/pkg/release, Status). */
export type HelmState =
  | 'deployed'
  | 'failed'
  | 'superseded'
  | 'uninstalled'
  | 'uninstalling'
  | 'pending-install'
  | 'pending-upgrade'
  | 'pending-rollback'
  | 'unknown'

/** `changedAt`: when helm wrote its state, in milliseconds since 1970. `uid`: of helm's Secret, where it is known. */
export type StoredRevision = { revision: number; state: HelmState; changedAt: number; uid?: string }

/** What a sync of a release sees. */
export type ReleaseFacts = {
  /** Milliseconds since 1970. */
  now: number
  uid: string
  /** All stored revisions, oldest first. */
  revisions: readonly StoredRevision[]
  record: ReleaseRecord | undefined
  /** The writer of the record's intent cannot write any more. */
  intentIsDead: boolean
  /** ID of another HelmRelease that exists and claims this release. */
  otherOwner?: string
  /** The HelmRelease says that the Helm Operator rolled this very spec back (ruling 10). */
  wasRolledBack: boolean
  /** A person or a flag lets Capstan take over what it finds in trouble (ruling 10). */
  mayAdopt?: boolean
  /** Digests of the chart and the values that are wanted; absent until they were made. */
  wanted?: { chart: string; values: string }
  /** What helm stored equals what is wanted; asked for only where the record cannot tell ({@link mustCompareStored}). */
  storedIsWanted?: boolean
  /** Of its objects; asked for only where it is waited for. */
  readiness?: Readiness
}

/** Where a release stands, one word. */
export type ReleaseState =
  | 'absent'
  /** Deployed with exactly the wanted inputs. */
  | 'in sync'
  /** As `in sync`, but not everything in it is ready yet, which is waited for. */
  | 'unready'
  /** As `in sync`, but its tests have not passed yet, be they asked for or not. */
  | 'untested'
  /** Deployed by us; the inputs changed since. */
  | 'out of sync'
  /** Deployed, but another revision than ours is the newest: somebody used helm by hand. */
  | 'changed by hand'
  /** Deployed with what is wanted, by somebody else or by a run that did not live to say so: no new revision is needed. */
  | 'adoptable'
  /** Deployed by somebody else with something else. */
  | 'foreign inputs'
  | 'failed'
  /** The inputs that failed before are still the wanted ones. */
  | 'failed inputs'
  /** A helm run of a process that is gone; the lock is nobody's. */
  | 'interrupted'
  /** Removed by hand with its history kept. */
  | 'removed'
  /** A helm run that may still be going on. */
  | 'busy'
  /** Found in trouble at first contact, and not begun by us (ruling 10). */
  | 'foreign trouble'
  | 'foreign owner'
  /** The answer depends on chart and values, which were not made yet. */
  | 'inputs needed'

/** Somebody else's pending revision is nobody's after this time without a change (hazard A3). */
export const foreignPendingMs = 15 * 60_000

/** Pure: facts → state. The first match wins (helm-operator §4.1, rulings 10 and 11). */
export function releaseState(facts: ReleaseFacts): ReleaseState {
  const { revisions, record } = facts
  const latest = revisions.at(-1)
  if (facts.otherOwner !== undefined) return 'foreign owner'
  if (record?.intent && !facts.intentIsDead) return 'busy'
  if (latest && isUnderWay(latest)) return stateUnderWay(latest, facts)
  if (!facts.wanted) return 'inputs needed'
  if (!latest) return failedAsWanted(facts) ? 'failed inputs' : 'absent'
  if (latest.state !== 'deployed') return stateUndeployed(latest, facts)
  return stateDeployed(latest, facts)
}

function isUnderWay({ state }: StoredRevision): boolean {
  return state.startsWith('pending-') || state === 'uninstalling'
}

function stateUnderWay(latest: StoredRevision, facts: ReleaseFacts): ReleaseState {
  if (facts.record?.intent) return 'interrupted'
  if (!wasBegunByUs(facts)) {
    if (!facts.wanted) return 'inputs needed'
    if (isHeld(facts)) return 'foreign trouble'
  }
  return facts.now - latest.changedAt < foreignPendingMs ? 'busy' : 'interrupted'
}

function stateUndeployed(latest: StoredRevision, facts: ReleaseFacts): ReleaseState {
  if (!wasBegunByUs(facts) && isHeld(facts)) return 'foreign trouble'
  // helm upgrades over no revision that is neither deployed nor failed
  if (latest.state === 'unknown') return 'interrupted'
  if (failedAsWanted(facts)) return 'failed inputs'
  // it was marked by us, and the run did not live to note why
  if (latest.state === 'failed' && isWaited(latest, facts)) return 'unready'
  return latest.state === 'uninstalled' ? 'removed' : 'failed'
}

function stateDeployed(latest: StoredRevision, facts: ReleaseFacts): ReleaseState {
  if (isFailure(latest, facts)) return 'failed inputs'
  const applied = isOurs(facts) ? facts.record?.applied : undefined
  if (isHeldBack(facts)) return 'foreign trouble'
  if (finishedUnnoted(latest, facts)) return intendedAsWanted(facts) ? 'adoptable' : 'out of sync'
  if (applied && isRecorded(latest, applied)) return stateApplied(applied, facts)
  if (facts.storedIsWanted) return 'adoptable'
  return applied ? 'changed by hand' : 'foreign inputs'
}

function stateApplied(applied: Applied, { wanted }: ReleaseFacts): ReleaseState {
  if (applied.chart !== wanted?.chart || applied.values !== wanted.values) return 'out of sync'
  if (applied.readyDue) return 'unready'
  return applied.testDue ? 'untested' : 'in sync'
}

/** What is waited for is what the last rollback made. */
export function isRollbackWaited({ revision, state }: StoredRevision, { record }: ReleaseFacts): boolean {
  const { rollbackDue, rolledBackTo } = record?.failed ?? {}
  return rollbackDue !== undefined && rolledBackTo === revision && state === 'deployed'
}

/** What is waited for is this revision, with what is still wanted. */
export function isWaited(latest: StoredRevision, facts: ReleaseFacts): boolean {
  const applied = isOurs(facts) ? facts.record?.applied : undefined
  return applied?.readyDue !== undefined && isRecorded(latest, applied) && stateApplied(applied, facts) === 'unready'
}

/** The newest revision is the one that failed with the wanted inputs, or what it was rolled back to. */
function isFailure({ revision }: StoredRevision, facts: ReleaseFacts): boolean {
  const failed = failedAsWanted(facts) ? facts.record?.failed : undefined
  return failed !== undefined && (revision === failed.rolledBackTo || revision === failed.revision)
}

/** The Operator's roll-back counts as a failure of these inputs, until they change. */
function isHeldBack(facts: ReleaseFacts): boolean {
  return facts.wasRolledBack && !wasBegunByUs(facts) && isHeld(facts)
}

function intendedAsWanted({ record, wanted }: ReleaseFacts): boolean {
  return wanted !== undefined && record?.intent?.inputs === inputsOf(wanted)
}

/**
 * True where helm's own record must be read and compared with what is wanted: the newest revision is deployed and is not the one that
 * our record speaks of.
 */
export function mustCompareStored(facts: ReleaseFacts): boolean {
  const latest = facts.revisions.at(-1)
  if (latest?.state !== 'deployed' || finishedUnnoted(latest, facts)) return false
  const applied = isOurs(facts) ? facts.record?.applied : undefined
  return !applied || !isRecorded(latest, applied)
}

/** Our record speaks of this revision, and not of one that had its number before: `helm uninstall` begins with 1 anew. */
function isRecorded({ revision, uid = '' }: StoredRevision, applied: Applied): boolean {
  return applied.revision === revision && (!applied.uid || !uid || applied.uid === uid)
}

/** helm ended well, and the run that had begun it did not live to note it. */
function finishedUnnoted({ revision }: StoredRevision, facts: ReleaseFacts): boolean {
  const intent = isOurs(facts) ? facts.record?.intent : undefined
  return intent?.revision === revision && (intent.verb === 'install' || intent.verb === 'upgrade')
}

/** A record of a HelmRelease that is gone (made anew under another uid) says nothing about digests: they are salted. */
function isOurs({ record, uid }: ReleaseFacts): boolean {
  return record?.owner.uid === uid
}

/** True once we wrote to this release, or were about to. */
function wasBegunByUs({ record }: ReleaseFacts): boolean {
  return record?.applied !== undefined || record?.failed !== undefined || record?.intent !== undefined
}

/** First contact changes nothing, until its inputs change or somebody lets it go (ruling 10). */
function isHeld(facts: ReleaseFacts): boolean {
  return !facts.mayAdopt && !heldInputsChanged(facts)
}

function heldInputsChanged(facts: ReleaseFacts): boolean {
  const held = isOurs(facts) ? facts.record?.held : undefined
  return held !== undefined && facts.wanted !== undefined && held.inputs !== inputsOf(facts.wanted)
}

function failedAsWanted({ record, wanted }: ReleaseFacts): boolean {
  return record?.failed !== undefined && wanted !== undefined && record.failed.inputs === inputsOf(wanted)
}

/**
 * Where a rollback goes, not simply "latest - 1": a revision older than `before`; the one that we know to have been good, else the newest
 * that helm calls so.
 */
export function lastGoodRevision(
  revisions: readonly StoredRevision[],
  before: number,
  known?: number,
): number | undefined {
  const older = revisions.filter(({ revision }) => revision < before)
  if (older.some(({ revision, state }) => revision === known && state !== 'failed')) return known
  const deployed = older.findLast(({ state }) => state === 'deployed')
  return (deployed ?? older.findLast(({ state }) => state === 'superseded'))?.revision
}

/** True when some revision was deployed once; false for a first install that never finished. */
export function wasEverDeployed(revisions: readonly StoredRevision[]): boolean {
  return revisions.some(({ state }) => state === 'deployed' || state === 'superseded')
}
