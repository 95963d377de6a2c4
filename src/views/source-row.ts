import type { AppError } from '../domain/error.ts'
import { parseRevision } from '../domain/source/revision.ts'
import { safeUrl } from '../domain/source/git-url.ts'
import type { SourceSpec } from '../domain/source/spec.ts'
import type { Suspension } from '../domain/status/suspension.ts'
import {
  emptyStatus,
  type FetchFact,
  type SourceDrift,
  type SourceFailure,
  type SourceStatus,
} from '../domain/source/status.ts'
import type { Reason } from '../domain/status/reason.ts'
import type { Unhealthy } from './workloads.ts'

/** A source as people and programs see it (W35; more keys than there are added only). */
export type SourceRow = {
  namespace: string
  name: string
  /** Without password. */
  url: string
  branch: string
  /** What is followed: `branch main`, `tag v1`, `semver ~1.2`, `commit 4f5e…`. */
  ref: string
  paths: string[]
  /** `branch@<40 hex>`, applied and pruned without failure; empty when nothing was yet. */
  revision: string
  /** `branch@<40 hex>`, loaded and tried last; empty when nothing was yet. */
  attempted: string
  /** 40 hex of the branch as fetched last; empty when that is not known. */
  head: string
  ready: boolean
  /** No workload of it is progressing or failed. */
  healthy: boolean
  reason: Reason | ''
  message: string
  objects: number
  failed: SourceFailure[]
  failedCount: number
  /** Deletions that wait for somebody. */
  held: SourceFailure[]
  /** Differences from git that are left as they are, the first 100. */
  drifted: SourceDrift[]
  /** Who stopped it and why; null when nobody did. */
  suspended: Suspension | null
  /** The sync tag or Secret; null where the cluster itself keeps the state. */
  marker: { commit: string; problem: string } | null
  unhealthy: Unhealthy[]
  /** RFC 3339; empty when not known. */
  fetchedAt: string
  changedAt: string
  /** RFC 3339: how old `healthy` may be. */
  observedAt: string
}

/** What is known about a source; each part may be missing. */
export type SourceFacts = {
  spec: SourceSpec
  status: SourceStatus | undefined
  /** Why the status could not be read (then `status` is the last one known). */
  failure: AppError | undefined
  fetched: FetchFact | undefined
  redisIsUp: boolean
  /** Undefined when it is not known; `observedAt` says as of when (Unix milliseconds). */
  unhealthy: Unhealthy[] | undefined
  observedAt: number
  now: Date
}

/** Facts → row. Ready is what W35 says: at its branch head, fetched within two poll intervals, applied and pruned without failure. */
export function sourceRow(facts: SourceFacts): SourceRow {
  const { spec, fetched, unhealthy } = facts
  const status = facts.status ?? noStatus
  const standstill = standstillOf(facts)
  return {
    namespace: spec.namespace,
    name: spec.name,
    url: safeUrl(spec.url),
    branch: spec.branch,
    ref: `${spec.ref.kind} ${spec.ref.value}`,
    paths: [...spec.paths],
    revision: status.revision,
    attempted: status.attempted,
    head: fetched?.head ?? '',
    ready: standstill === undefined,
    healthy: unhealthy?.length === 0,
    reason: standstill?.reason ?? '',
    message: standstill?.message ?? status.message,
    objects: status.objects,
    failed: status.failed,
    failedCount: status.failedCount,
    held: status.held,
    drifted: status.drifted,
    suspended: status.suspended ?? null,
    marker: status.marker ?? null,
    unhealthy: unhealthy ?? [],
    fetchedAt: fetched?.at ?? '',
    changedAt: status.changedAt,
    observedAt: new Date(facts.observedAt).toISOString(),
  }
}

/** A Source object that cannot be used, and why. */
export type BrokenSource = { namespace: string; name: string; problem: { reason: Reason; message: string } }

/**
 * The row of a Source object that cannot be read: what was applied of it before is still there, and nothing of it moves. Whether its
 * workloads are healthy is not looked at.
 */
export function brokenRow(
  { namespace, name, problem }: BrokenSource,
  { status, now }: { status: SourceStatus | undefined; now: Date },
): SourceRow {
  const { revision, attempted, objects, failed, failedCount, held, drifted, changedAt } = status ?? noStatus
  return {
    namespace,
    name,
    url: '',
    branch: '',
    ref: '',
    paths: [],
    revision,
    attempted,
    head: '',
    ready: false,
    healthy: false,
    reason: problem.reason,
    message: problem.message,
    objects,
    failed,
    failedCount,
    held,
    drifted,
    suspended: null,
    marker: null,
    unhealthy: [],
    fetchedAt: '',
    changedAt,
    observedAt: now.toISOString(),
  }
}

/** A source that was never synced says why by its standstill. */
const noStatus: SourceStatus = { ...emptyStatus, message: '' }

type Standstill = { reason: Reason; message: string }

/** The first cause why a source is not ready; undefined when it is. */
function standstillOf({ spec, status, failure, fetched, redisIsUp, now }: SourceFacts): Standstill | undefined {
  if (failure) return { reason: failure.reason, message: failure.message }
  if (!redisIsUp)
    return { reason: 'RedisUnavailable', message: 'Redis does not answer; nothing is fetched or applied meanwhile.' }
  if (fetched?.reason) return { reason: fetched.reason, message: fetched.message }
  if (!status) return { reason: 'NotReady', message: 'Nothing has been applied yet.' }
  if (!status.ready) return { reason: status.reason || 'NotReady', message: status.message }
  if (!fetched) return { reason: 'NotReady', message: 'The branch has not been fetched yet.' }
  const attempted = parseRevision(status.attempted)
  if (attempted?.commit !== fetched.head || (spec.branch !== '' && attempted.branch !== spec.branch)) {
    const what = spec.branch === '' ? `The ${spec.ref.kind}` : 'The branch'
    return {
      reason: 'NotReady',
      message: `${what} is at ${fetched.head.slice(0, 7)}, which has not been applied yet.`,
    }
  }
  const ageMs = now.getTime() - Date.parse(fetched.at)
  if (ageMs > 2 * spec.pollIntervalMs) {
    return {
      reason: 'NotReady',
      message: `The branch was fetched last ${Math.round(ageMs / 1000)} s ago, which is more than two poll intervals.`,
    }
  }
  return undefined
}
