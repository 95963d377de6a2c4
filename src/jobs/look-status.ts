import type { Change } from '../domain/plan/change.ts'
import type { Plan } from '../domain/plan/plan.ts'
import type { SourceFailure, SourceStatus } from '../domain/source/status.ts'

const shown = 100

/** What a look found: a plan of the commit that a sync would apply. */
export type Looked = Pick<Plan, 'revision' | 'changes' | 'counts' | 'held'>

/**
 * The status of a source that is only looked at (`--read-only`): ready when a sync would change nothing. `at`: RFC 3339. Nothing of it is
 * ever stored in the cluster.
 */
export function lookStatus({ revision, changes, counts, held }: Looked, at: string): SourceStatus {
  const failed = changes.filter(({ action }) => action === 'failed').map((change) => failureOf(change, revision))
  const message = messageOf(counts, failed[0])
  return {
    version: 1,
    revision: message === '' ? revision : '',
    attempted: revision,
    ready: message === '',
    reason: message === '' ? '' : 'ReadOnly',
    message: message === '' ? `nothing would change: ${counts.unchanged} objects are as git says` : message,
    objects: objectsOf(counts),
    failed: failed.slice(0, shown),
    failedCount: failed.length,
    held: held.slice(0, shown).map((one) => ({ ...one, line: 0, since: '' })),
    drifted: [],
    inventory: { parts: [], digest: '', count: 0 },
    holder: '',
    changedAt: at,
  }
}

/** Empty when a sync would find nothing to do. */
function messageOf(counts: Looked['counts'], failure: SourceFailure | undefined): string {
  const words = (['configured', 'created', 'deleted'] as const)
    .map((action) => [counts[action], action] as const)
    .filter(([count]) => count > 0)
    .map(([count, action], index) => (index === 0 ? `${count} objects would be ${action}` : `${count} ${action}`))
  const failures = failure ? [`${counts.failed} would fail: ${failure.message}`] : []
  const all = [...words, ...failures]
  return all.length === 0 ? '' : `${all.join(', ')}; see capstan plan`
}

function failureOf({ id, file, line, reason = 'ApplyRefused', message = '' }: Change, revision: string): SourceFailure {
  return { id, file, line, reason, message, since: revision.split('@').at(-1) ?? '' }
}

/** Objects in git, as far as they could be read. */
function objectsOf({ created, configured, unchanged, skipped }: Looked['counts']): number {
  return created + configured + unchanged + skipped
}
