import { readNote } from '../image/note.ts'
import type { SourceStatus } from '../source/status.ts'
import { parseRevision } from '../source/revision.ts'
import type { WorkloadResult } from '../work/update-spec.ts'
import { type Event, type EventSource, makeEvent, type ReleaseMetadata, type SyncMetadata } from './event.ts'
import { isNewOutcome, severityOf } from './outcome.ts'
import { autoReleaseText, releaseText, syncText } from './text.ts'

/** What a sync did, as far as it is told. */
export type SyncFacts = {
  source: EventSource
  startedAt: string
  endedAt: string
  before: SourceStatus
  after: SourceStatus
  /** Commits since the last revision that was tried, newest first; at the first sync all of them. */
  commits: readonly { commit: string; message: string }[]
  /** Texts of their notes, by commit. */
  notes: ReadonlyMap<string, string>
  /** What it created, configured or deleted, as IDs. */
  changed: readonly string[]
}

/**
 * The events of a sync (flux-v1 §9.8–9.9): releases that its commits made, oldest first, and the sync itself. One at an unchanged
 * revision is told only when its outcome is another one than before, so that what goes on failing is told once.
 */
export function eventsOfSync(facts: SyncFacts): Event[] {
  const { before, after, commits } = facts
  const isInitial = before.attempted === ''
  if (commits.length === 0 && !isNewOutcome(isInitial ? undefined : before, after)) return []
  const released = isInitial ? [] : commits.toReversed().flatMap((one) => eventOfNote(one.commit, facts))
  return [...released, syncEvent(facts, isInitial)]
}

function syncEvent({ source, startedAt, endedAt, after, commits, notes, changed }: SyncFacts, initial: boolean): Event {
  const metadata: SyncMetadata = {
    ...(commits.length > 0
      ? { commits: commits.map(({ commit, message }) => ({ revision: commit, message: subjectOf(message) })) }
      : {}),
    includes: initial ? { other: true } : includesOf(commits, notes),
    ...(after.failed.length > 0
      ? { errors: after.failed.map(({ id, file, message }) => ({ ID: id, Path: file, Error: message })) }
      : {}),
    ...(initial ? { initialSync: true as const } : {}),
  }
  const failure = after.ready ? '' : `; ${after.reason}: ${after.message}`
  return makeEvent({
    type: 'sync',
    metadata,
    source,
    startedAt,
    endedAt,
    serviceIDs: [...changed],
    severity: severityOf(after),
    reason: after.reason,
    commit: parseRevision(after.attempted)?.commit ?? '',
    message: `${syncText(metadata, changed)}${failure}`,
  })
}

/** The first line of a commit's message. */
function subjectOf(message: string): string {
  return message.split('\n', 1)[0] ?? ''
}

function includesOf(commits: SyncFacts['commits'], notes: SyncFacts['notes']): NonNullable<SyncMetadata['includes']> {
  const words = { image: 'release', containers: 'release', auto: 'autorelease', policy: 'update_policy' } as const
  const found = commits.map(({ commit }) => {
    const spec = readNote(notes.get(commit) ?? '')?.spec
    return spec ? words[spec.type] : 'other'
  })
  return Object.fromEntries(found.map((word) => [word, true]))
}

function eventOfNote(commit: string, { source, startedAt, endedAt, notes }: SyncFacts): Event[] {
  const { spec, result = {} } = readNote(notes.get(commit) ?? '') ?? {}
  if (!spec || spec.type === 'policy') return []
  const ids = Object.entries(result).flatMap(([id, { Status }]) => (Status === 'success' ? [id] : []))
  const error = errorOf(Object.entries(result))
  const common = { Revision: commit, result, ...(error === '' ? {} : { error }) }
  const about = { source, startedAt, endedAt, serviceIDs: ids, commit }
  if (spec.type === 'auto') {
    const metadata = { ...common, spec: { Changes: spec.spec.Changes } }
    return [makeEvent({ ...about, type: 'autorelease', metadata, message: autoReleaseText(metadata) })]
  }
  const wanted: ReleaseMetadata['spec'] =
    spec.type === 'image'
      ? { Type: 'releaseImageSpecType', ReleaseImageSpec: spec.spec, ReleaseContainersSpec: null }
      : { Type: 'releaseContainersSpecType', ReleaseImageSpec: null, ReleaseContainersSpec: spec.spec }
  const metadata: ReleaseMetadata = { ...common, spec: wanted, cause: spec.cause }
  return [makeEvent({ ...about, type: 'release', metadata, message: releaseText(metadata, ids) })]
}

/** What went wrong with a release; empty for nothing. */
function errorOf(results: readonly [string, WorkloadResult][]): string {
  const failed = results.filter(([, { Status }]) => Status === 'failed')
  const [first] = failed
  if (!first) return ''
  const [id, { Error: why = 'failed' }] = first
  return failed.length === 1 ? `${id}: ${why}` : `${failed.length} workloads failed, the first: ${id}: ${why}`
}
