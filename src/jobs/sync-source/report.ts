import { idOf } from '../../domain/manifest/object.ts'
import type { Change } from '../../domain/plan/change.ts'
import { failingSince, type SourceFailure, type SourceStatus } from '../../domain/source/status.ts'
import type { Reason } from '../../domain/status/reason.ts'
import type { Sync } from './sync.ts'

const shownFailures = 100

type Failure = Omit<SourceFailure, 'since'>

/** The status that this sync leaves behind; holder, inventory and time are filled in when it is written. */
export function nextStatus(sync: Sync): SourceStatus {
  const { desired, changes, held, revision, ledger } = sync
  const known = (failure: Failure): SourceFailure => ({
    ...failure,
    since: failingSince(failure, ledger.status.failed, sync.commit),
  })
  const failures = [
    ...desired.problems.map(({ id = '', file, line, reason, message }) => known({ id, file, line, reason, message })),
    ...changes.filter(({ action }) => action === 'failed').map((change) => known(failureOf(change))),
  ]
  const waiting = changes
    .filter(({ action, reason }) => action === 'skipped' && reason === 'NotReady')
    .map((change) => known(failureOf(change)))
  const mass = held.find(({ reason }) => reason === 'MassDeletion')
  const ready = failures.length === 0 && waiting.length === 0 && !mass
  const first = failures[0] ?? waiting[0]
  return {
    ...ledger.status,
    revision: ready ? revision : ledger.status.revision,
    attempted: revision,
    ready,
    reason: ready ? '' : (first?.reason ?? mass?.reason ?? 'NotReady'),
    message: messageOf(sync, failures, first?.message ?? mass?.message),
    failed: [...failures, ...waiting].slice(0, shownFailures),
    failedCount: failures.length + waiting.length,
    held: held
      .slice(0, shownFailures)
      .map(({ entry, reason, message }) => known({ id: idOf(entry.ref), file: entry.file, line: 0, reason, message })),
  }
}

function messageOf(sync: Sync, failures: readonly SourceFailure[], first: string | undefined): string {
  const total = sync.desired.objects.length
  const heldNote = sync.held.length > 0 ? `; ${sync.held.length} deletions wait for approval` : ''
  if (failures.length > 0)
    return `${failures.length} of ${total + sync.desired.problems.length} objects failed: ${first ?? ''}${heldNote}`
  if (first) return first
  return `${total} objects applied${heldNote}`
}

function failureOf({ id, file, line, reason, message }: Change): Failure {
  return { id, file, line, reason: reason ?? ('ApplyRefused' satisfies Reason), message: message ?? '' }
}

/** Equal but for what every write changes: nothing to say, so nothing is written (law 6). */
export function sameStatus(a: SourceStatus, b: SourceStatus): boolean {
  return comparable(a) === comparable(b)
}

function comparable(status: SourceStatus): string {
  return JSON.stringify({ ...status, holder: '', changedAt: '', inventory: undefined, objects: 0 })
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
