import { idOf } from '../../domain/manifest/object.ts'
import { type Change, isHeldBack } from '../../domain/plan/change.ts'
import type { Held } from '../../domain/plan/prune.ts'
import { createFailingSince, createHeldSince, markUnlisted } from '../../domain/source/failing-since.ts'
import { type SourceFailure, type SourceStatus, type SourceUnhealthy, statusRef } from '../../domain/source/status.ts'
import { failureOf } from './failure-of.ts'
import type { Hold } from './hold.ts'
import { type Ledger, otherWriterAnnotation } from './ledger.ts'
import { expectedMarker, hasOtherWriter, withTag } from './marker.ts'
import type { Sync } from './sync.ts'
import { hasNewFailure, hasNewProblem, isTried } from './trouble.ts'

const shownFailures = 100
const shownUnhealthy = 20

type Failure = Omit<SourceFailure, 'since'>
type Verdict = Pick<SourceStatus, 'ready' | 'reason' | 'message'>

/** What the end of a sync knows beside what it did. */
export type Ending = { now: Date; unhealthy: readonly SourceUnhealthy[] }

/** The status that this sync leaves behind; holder, inventory and time are filled in when it is written. */
export function nextStatus(sync: Sync, { now, unhealthy }: Ending): SourceStatus {
  const { held, revision, ledger } = sync
  const { version, objects, inventory, sets, holder, changedAt, ...before } = ledger.status
  const { failures, blocked } = failuresOf(sync, createFailingSince(ledger.status, sync.commit))
  const since = createHeldSince(ledger.status.held, sync.commit)
  const unlisted = markUnlisted([...failures, ...blocked].slice(shownFailures))
  const heldBack = heldBackIn(sync)
  const waiting = waitingOf(sync, unhealthy, now)
  const verdict = verdictOf(sync, { failures, blocked, waiting, now })
  const isWhole = isTried(sync) && !hasNewProblem(sync) && !hasNewFailure(sync)
  const rewrittenFrom = isWhole ? '' : sync.rewrittenFrom
  return {
    version,
    objects,
    inventory,
    ...(sets ? { sets } : {}),
    holder,
    changedAt,
    ...verdict,
    revision: failures.length + blocked.length === 0 && !isMassHeld(sync) ? revision : before.revision,
    attempted: revision,
    ...loadedOf(sync),
    failed: [...failures, ...blocked].slice(0, shownFailures),
    failedCount: failures.length + blocked.length,
    held: [...held.map(heldDeletion), ...heldBack.map(failureOf)]
      .slice(0, shownFailures)
      .map((one) => ({ ...one, since: since(one) })),
    drifted: sync.drifted,
    ...(unlisted ? { unlisted } : {}),
    ...(sync.head.refused ? { refused: sync.head.refused } : {}),
    ...(waiting ? { waiting } : {}),
    ...(rewrittenFrom ? { rewrittenFrom } : {}),
    ...markerOf(sync),
  }
}

function loadedOf(sync: Sync): Pick<SourceStatus, 'loaded'> {
  const { loaded = '' } = isTried(sync) ? { loaded: sync.revision } : sync.ledger.status
  return loaded ? { loaded } : {}
}

function markerOf(sync: Sync): Pick<SourceStatus, 'marker'> {
  const { spec, commit, tag, ledger } = sync
  const before = ledger.status.marker
  const marker = isTried(sync) ? expectedMarker(spec, { commit, before, tag }) : before && withTag(spec, before, tag)
  return marker ? { marker } : {}
}

/** The status of a source that stands still: what it was applied to stays as it was. */
export function heldStatus({ status, suspended }: Pick<Ledger, 'status' | 'suspended'>, hold: Hold): SourceStatus {
  const { suspended: _, ...before } = status
  const { reason, message } = hold
  return { ...before, ready: false, reason, message, ...(suspended ? { suspended } : {}) }
}

function heldDeletion({ entry, reason, message }: Held): Failure {
  return { id: idOf(entry.ref), file: entry.file, line: 0, reason, message }
}

/** What failed, and what only waits for something else to end. */
function failuresOf(
  { desired, changes }: Sync,
  since: (failure: Failure) => string,
): { failures: SourceFailure[]; blocked: SourceFailure[] } {
  const known = (failure: Failure): SourceFailure => ({ ...failure, since: since(failure) })
  const problems = desired.problems.map(({ id = '', file, line, reason, message }) =>
    known({ id, file, line, reason, message }),
  )
  const failed = changes.filter(({ action }) => action === 'failed').map((change) => known(failureOf(change)))
  const blocked = changes
    .filter(({ action, reason }) => action === 'skipped' && reason === 'NotReady')
    .map((change) => known(failureOf(change)))
  return { failures: [...problems, ...failed], blocked }
}

/** Since when the source waits for health: the time of the first sync of this revision that found it wanting. */
function waitingOf(
  { spec, ledger, revision }: Sync,
  unhealthy: readonly SourceUnhealthy[],
  now: Date,
): SourceStatus['waiting'] {
  if (!spec.wait || unhealthy.length === 0) return undefined
  const { waiting, attempted } = ledger.status
  const since = waiting && attempted === revision ? waiting.since : now.toISOString()
  return { since, count: unhealthy.length, unhealthy: unhealthy.slice(0, shownUnhealthy) }
}

type Found = { failures: SourceFailure[]; blocked: SourceFailure[]; waiting: SourceStatus['waiting']; now: Date }

/** The first cause that stands between the source and ready. */
function verdictOf(sync: Sync, { failures, blocked, waiting, now }: Found): Verdict {
  const { spec, desired, held, head } = sync
  const total = desired.objects.length - heldBackIn(sync).length
  const mass = held.find(({ reason }) => reason === 'MassDeletion')
  const heldNote = deletionNote(sync)
  const [failure] = failures
  if (failure) {
    const message = `${failures.length} of ${total + desired.problems.length} objects failed: ${failure.message}${heldNote}`
    return { ready: false, reason: failure.reason, message }
  }
  const [first] = blocked
  if (first) return { ready: false, reason: first.reason, message: first.message }
  if (mass) return { ready: false, reason: mass.reason, message: `${total} objects applied${heldNote}` }
  if (head.refused) {
    const { commit, why } = head.refused
    const message = `found invalid GPG signature for commit ${commit}: ${why}; the last good commit is applied`
    return { ready: false, reason: 'SignatureInvalid', message }
  }
  if (hasOtherWriter(sync, now)) {
    const message = `somebody else moved the tag ${spec.syncTag} at ${sync.tag.foreignAt}; nothing is deleted until it is left alone for two sync intervals, or kubectl annotate configmap -n ${spec.namespace} ${statusRef(spec).name} ${otherWriterAnnotation}=allow`
    return { ready: false, reason: 'OtherWriter', message }
  }
  if (waiting) {
    const isOver = now.getTime() - Date.parse(waiting.since) >= spec.waitTimeoutMs
    const [worst] = waiting.unhealthy
    const message = `${waiting.count} objects are not healthy${isOver ? ` after ${spec.waitTimeoutMs / 1000} s` : ' yet'}: ${worst?.id} ${worst?.message}`
    return { ready: false, reason: isOver ? 'NotHealthy' : 'NotReady', message }
  }
  return {
    ready: true,
    reason: '',
    message: `${total} objects applied${heldNote}${heldBackNote(sync)}${driftNote(sync)}`,
  }
}

function deletionNote({ held, waitingDeletions }: Sync): string {
  if (waitingDeletions) return `; ${waitingDeletions.count} deletions wait: ${waitingDeletions.why}`
  return held.length > 0 ? `; ${held.length} deletions wait for approval` : ''
}

function heldBackIn({ changes }: Sync): Change[] {
  return changes.filter(({ reason }) => isHeldBack(reason))
}

function heldBackNote(sync: Sync): string {
  const [first] = heldBackIn(sync)
  return first ? `; ${first.message}` : ''
}

function driftNote({ drifted }: Sync): string {
  const fought = drifted.filter(({ reason }) => reason === 'DriftFight').length
  const told = drifted.length - fought
  return `${told > 0 ? `; ${told} differences from git are only reported` : ''}${fought > 0 ? `; ${fought} changed again after they were put back, and wait` : ''}`
}

function isMassHeld({ held }: Sync): boolean {
  return held.some(({ reason }) => reason === 'MassDeletion')
}

/** Equal but for what every write changes: nothing to say, so nothing is written (law 6). */
export function sameStatus(a: SourceStatus, b: SourceStatus): boolean {
  return comparable(a) === comparable(b)
}

function comparable(status: SourceStatus): string {
  const entries = Object.entries({ ...status, holder: '', changedAt: '', inventory: undefined, objects: 0 })
  return JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** "3 created, 1 configured, 116 unchanged in 0.4 s": what a person reads in the log and on the job. */
export function summarise(changes: readonly Change[], unchanged: number, seconds: number): string {
  const counts = Map.groupBy(changes, ({ action }) => action)
  const words = [...counts]
    .filter(([action]) => action !== 'unchanged')
    .map(([action, list]) => `${list.length} ${action}`)
  const still = unchanged + (counts.get('unchanged')?.length ?? 0)
  return `${[...words, `${still} unchanged`].join(', ')} in ${seconds.toFixed(1)} s`
}
