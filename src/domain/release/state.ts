import { inputsOf, type ReleaseRecord } from './record.ts'

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

export type StoredRevision = { revision: number; state: HelmState }

/** What a sync of a release sees. */
export type ReleaseFacts = {
  /** All stored revisions, oldest first. */
  revisions: readonly StoredRevision[]
  record: ReleaseRecord | undefined
  uid: string
  /** Digests of the chart and the values that are wanted. */
  wanted: { chart: string; values: string }
  /** The holder of the record's intent cannot write any more; only asked for where a revision is pending. */
  intentIsDead: boolean
  /** First contact: what helm stored equals what is wanted. */
  storedIsWanted: boolean
  /** The record belongs to another HelmRelease that still exists. */
  ownedByOther: boolean
}

/** Where a release stands, one word. */
export type ReleaseState =
  | 'absent'
  /** Deployed with exactly the wanted inputs. */
  | 'in sync'
  /** Deployed by us; the inputs changed since. */
  | 'out of sync'
  /** Deployed, but a newer revision than ours is there: somebody used helm by hand. */
  | 'changed by hand'
  /** Deployed by somebody else with what is wanted: adopt without a revision. */
  | 'adoptable'
  /** Deployed by somebody else with something else. */
  | 'foreign inputs'
  | 'failed'
  /** The inputs that failed before are still the wanted ones. */
  | 'failed inputs'
  /** A helm run of a process that is gone; the lock is nobody's. */
  | 'interrupted'
  /** A helm run that may still be going on. */
  | 'busy'
  /** Failed or pending, and not begun by us (ruling 10). */
  | 'foreign trouble'
  | 'foreign owner'

/** Pure: facts → state. The first match wins (helm-operator §4.1, rulings 10 and 11). */
export function releaseState(facts: ReleaseFacts): ReleaseState {
  const { revisions, record, wanted } = facts
  const latest = revisions.at(-1)
  if (facts.ownedByOther) return 'foreign owner'
  if (!latest || latest.state === 'uninstalled') return failedAsWanted(facts) ? 'failed inputs' : 'absent'
  if (latest.state.startsWith('pending-') || latest.state === 'uninstalling') return pendingState(facts)
  if (failedAsWanted(facts) && latest.revision <= (record?.failed?.revision ?? 0)) return 'failed inputs'
  if (latest.state !== 'deployed') return record ? 'failed' : 'foreign trouble'
  if (!record?.applied) return facts.storedIsWanted ? 'adoptable' : 'foreign inputs'
  if (record.applied.chart !== wanted.chart || record.applied.values !== wanted.values) return 'out of sync'
  return record.applied.revision === latest.revision ? 'in sync' : 'changed by hand'
}

function pendingState({ record, intentIsDead }: ReleaseFacts): ReleaseState {
  if (!record?.intent) return 'foreign trouble'
  return intentIsDead ? 'interrupted' : 'busy'
}

function failedAsWanted({ record, wanted }: ReleaseFacts): boolean {
  return record?.failed !== undefined && record.failed.inputs === inputsOf(wanted.chart, wanted.values)
}

/** The newest revision that helm calls good before the latest: where a rollback goes, not simply "latest - 1". */
export function lastGoodRevision(revisions: readonly StoredRevision[]): number | undefined {
  const older = revisions.slice(0, -1)
  const deployed = older.findLast(({ state }) => state === 'deployed')
  return (deployed ?? older.findLast(({ state }) => state === 'superseded'))?.revision
}
