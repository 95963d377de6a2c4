import type { Git } from '../adapters/git/index.ts'
import type { Store } from '../adapters/store/index.ts'
import { type AppError, toAppError, triedWithin } from '../domain/error.ts'
import { historyDepth, historyKey, parseHistory, printHistory } from '../domain/explain/history.ts'
import { parseRevision, printRevision, type Revision } from '../domain/source/revision.ts'
import type { SourceSpec } from '../domain/source/spec.ts'
import { type FetchFact, fetchKey, type ReadStatus, type SourceStatus } from '../domain/source/status.ts'
import type { Reason } from '../domain/status/reason.ts'
import {
  type Enqueue,
  type JobPayload,
  type Lane,
  laneOfReason,
  type Outcome,
  periodicReason,
} from '../domain/work/job.ts'
import type { Logger } from '../lib/logger.ts'
import type { History } from './history.ts'
import { readHead, type ReadHeadDeps } from './read-head.ts'
import type { Sources } from './sources.ts'
import type { SyncMemory } from './sync-source/memory.ts'
import { tellStep } from './tell-step.ts'
import { type createSiblings, isTouched, newRevisionReason } from './touched.ts'

export type FetchSourceDeps = {
  sources: Sources
  git: ReadHeadDeps['git'] & Pick<Git, 'log'>
  readStatus: ReadStatus
  store: Pick<Store, 'get' | 'set'>
  /** Where people and sinks are told; left out where nobody is. */
  history?: History
  enqueue: Enqueue
  memory: Pick<SyncMemory, 'of'>
  /** Other sources that the new commits touch; left out where nothing is synced. */
  wakeSiblings?: ReturnType<typeof createSiblings>
  log: Logger
  now: () => Date
}

/** A poll may take the fetch of another source of the repository for its own if that is not older than this part of its interval. */
const sharedPart = 0.1

const awayReasons = ['GitUnreachable', 'GitAuthFailed', 'GitRefNotFound'] as const satisfies Reason[]

/**
 * Brings the mirror up to date and asks for a sync when the branch moved since the last one that was tried. A person or a push
 * gets a sync in any case, also at an unchanged head (flux-v1 §8, #2818). A sync for commits that lie outside its paths lets others go
 * first. The summary ends in ` → <job id>` when a sync follows. What fails is tried again within the poll interval, however long it has
 * been failing (hazard D1).
 */
export async function fetchSource(payload: JobPayload, deps: FetchSourceDeps, signal: AbortSignal): Promise<Outcome> {
  const spec = deps.sources.get(payload.namespace, payload.name)
  if (!spec) return { end: 'done', summary: 'no such source; nothing to do' }
  try {
    return await fetchAndAsk(spec, payload, deps, signal)
  } catch (error) {
    throw triedWithin(spec.pollIntervalMs, error)
  }
}

async function fetchAndAsk(
  spec: SourceSpec,
  payload: JobPayload,
  deps: FetchSourceDeps,
  signal: AbortSignal,
): Promise<Outcome> {
  const status = await deps.readStatus(spec, signal)
  const attempted = status?.attempted ?? ''
  const isPoll = payload.reason === periodicReason
  const { head, at } = await fetchHead({ spec, attempted, isPoll }, deps, signal)
  const revision = printRevision(head)
  const moved = attempted !== revision
  const news = moved ? newRevisionReason : wasAway(status) ? 'the repository is back' : undefined
  if (isPoll && !news) return { end: 'done', summary: `${revision} is synced already` }
  const reason = (isPoll && news) || payload.reason
  const range = { from: parseRevision(attempted)?.commit ?? '', to: head.commit }
  const lane = wasAway(status) ? laneOfReason(reason) : await laneOf({ spec, reason, ...range }, deps, signal)
  const { jobId } = await deps.enqueue({
    kind: 'sync-source',
    namespace: spec.namespace,
    name: spec.name,
    reason,
    lane,
  })
  await deps.wakeSiblings?.({ spec, reason, at, ...range }, signal)
  return { end: 'done', summary: `${revision} → ${jobId}` }
}

/** The last sync had nothing to sync, and says so until the next: a branch may come back at the commit that was applied before. */
function wasAway(status: SourceStatus | undefined): boolean {
  return awayReasons.some((reason) => reason === status?.reason)
}

/** The status alone is to name the new commit where nothing of the source has changed: that is not what a push waits for. */
async function laneOf(
  { spec, reason, from, to }: { spec: SourceSpec; reason: string; from: string; to: string },
  deps: FetchSourceDeps,
  signal: AbortSignal,
): Promise<Lane> {
  const lane = laneOfReason(reason)
  if (lane === 'person') return lane
  return (await isTouched(spec, { from, to }, deps, signal)) ? lane : 'periodic'
}

type Fetching = { spec: SourceSpec; attempted: string; isPoll: boolean }

async function fetchHead(
  { spec, attempted, isPoll }: Fetching,
  deps: FetchSourceDeps,
  signal: AbortSignal,
): Promise<{ head: Revision; at: string }> {
  const options = isPoll ? { maxAgeMs: spec.pollIntervalMs * sharedPart, isPoll } : {}
  try {
    await deps.git.fetch(await deps.sources.remote(spec, signal), signal, options)
    const head = await readHead(spec, deps, signal, parseRevision(attempted)?.commit)
    const at = await note(spec, deps, { head: head.commit, reason: '', message: '' })
    // its own mirror is as new as that: the sync that follows here need not fetch again
    deps.memory.of(spec.namespace, spec.name).fetchSeen = at
    await noteHistory(spec, head.commit, deps, signal)
    return { head, at }
  } catch (error) {
    const failure: AppError = toAppError(error)
    if (!signal.aborted) await note(spec, deps, { head: '', reason: failure.reason, message: failure.message })
    throw failure
  }
}

/** Which commits there are, for people who ask what became of theirs; nothing else depends on it. */
async function noteHistory(spec: SourceSpec, head: string, deps: FetchSourceDeps, signal: AbortSignal): Promise<void> {
  const key = historyKey(spec.namespace, spec.name)
  try {
    if (parseHistory(await deps.store.get(key))?.head === head) return
    const remote = await deps.sources.remote(spec, signal)
    const entries = await deps.git.log(remote, { to: head, limit: historyDepth }, signal)
    await deps.store.set(key, printHistory(head, entries))
  } catch (error) {
    signal.throwIfAborted()
    deps.log.debug({ source: `${spec.namespace}/${spec.name}`, error: String(error) }, 'the history could not be kept')
  }
}

async function note(spec: SourceSpec, deps: FetchSourceDeps, fact: Omit<FetchFact, 'at'>): Promise<string> {
  const full: FetchFact = { at: deps.now().toISOString(), ...fact }
  await deps.store.set(fetchKey(spec.namespace, spec.name), JSON.stringify(full))
  await tellStep(spec, { step: 'fetch', commit: fact.head, ...fact }, deps)
  return full.at
}
