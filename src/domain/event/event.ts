import type { UpdateNote } from '../image/note.ts'
import type { ContainersSpec, ImageSpec, UpdateCause, UpdateResult } from '../work/update-spec.ts'

/** The types that fluxd has (flux-v1 §22). */
export const fluxdTypes = [
  'commit',
  'sync',
  'release',
  'autorelease',
  'automate',
  'deautomate',
  'lock',
  'unlock',
  'update_policy',
] as const
/**
 * Ours: `helm_release` how a HelmRelease fared, `error` what keeps a source from being fetched or synced at all, and what people asked
 * for.
 */
const ownTypes = ['helm_release', 'error', 'suspend', 'resume', 'approve', 'rollback', 'test'] as const

export const eventTypes = [...fluxdTypes, ...ownTypes] as const
export type EventType = (typeof eventTypes)[number]

/** From the least to the most urgent. */
export const severities = ['info', 'warning', 'error'] as const
export type Severity = (typeof severities)[number]

/** What an event is about. */
export type EventSource = { kind: 'source' | 'release' | 'sink'; namespace: string; name: string }

export type EventCommit = { revision: string; message: string }

/** Field names are fluxd's, capitals included (flux-v1 §22). */
export type SyncMetadata = {
  /** Newest first. */
  commits?: EventCommit[]
  includes?: Partial<Record<'release' | 'autorelease' | 'update_policy' | 'other', true>>
  errors?: { ID: string; Path: string; Error: string }[]
  initialSync?: true
}
export type CommitMetadata = { revision?: string; spec: UpdateNote['spec']; result?: UpdateResult }
export type ReleaseMetadata = {
  Revision: string
  result: UpdateResult
  error?: string
  spec:
    | { Type: 'releaseImageSpecType'; ReleaseImageSpec: ImageSpec; ReleaseContainersSpec: null }
    | { Type: 'releaseContainersSpecType'; ReleaseImageSpec: null; ReleaseContainersSpec: ContainersSpec }
  cause: UpdateCause
}
export type AutoReleaseMetadata = {
  Revision: string
  result: UpdateResult
  error?: string
  spec: { Changes: readonly unknown[] }
}
/** Of types that fluxd gives none. */
export type PlainMetadata = Record<string, string | number | boolean>

type Told =
  | { type: 'sync'; metadata: SyncMetadata }
  | { type: 'commit'; metadata: CommitMetadata }
  | { type: 'release'; metadata: ReleaseMetadata }
  | { type: 'autorelease'; metadata: AutoReleaseMetadata }
  | { type: Exclude<EventType, 'sync' | 'commit' | 'release' | 'autorelease'>; metadata: PlainMetadata }

/** What happened, told to people and sinks: fluxd's envelope, and what it is about. Holds no secret. */
export type Event = Told & {
  /** Workloads that it is about, as `namespace:kind/name`. */
  serviceIDs: string[]
  /** RFC 3339. */
  startedAt: string
  endedAt: string
  logLevel: 'debug' | 'info' | 'warn' | 'error'
  /** One line for people. */
  message: string
  severity: Severity
  /** The word for what stands in the way (status/reason.ts); empty where nothing does. */
  reason: string
  source: EventSource
  /** The commit that it is about; empty for none. */
  commit: string
}

/** As it was kept: `id` orders events and is the cursor of a reader. */
export type StoredEvent = Event & { id: string }

type Given = Told &
  Pick<Event, 'source' | 'startedAt' | 'endedAt'> &
  Partial<Pick<Event, 'serviceIDs' | 'severity' | 'reason' | 'commit'>> & { message: string }

/** An event with what is usual filled in. fluxd's types have always the level info (flux-v1 §22). */
export function makeEvent(given: Given): Event {
  const { severity = 'info' } = given
  const isTheirs = fluxdTypes.some((type) => type === given.type)
  return {
    serviceIDs: [],
    reason: '',
    commit: '',
    ...given,
    severity,
    logLevel: isTheirs ? 'info' : levels[severity],
  }
}

const levels = { info: 'info', warning: 'warn', error: 'error' } as const
