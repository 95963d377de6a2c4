import type { AppError } from '../../domain/error.ts'
import { causeOf, countChanges } from '../../domain/event/deployment.ts'
import { type EventSource, makeEvent } from '../../domain/event/event.ts'
import { eventsOfSync } from '../../domain/event/from-sync.ts'
import { isNewOutcome, severityOf } from '../../domain/event/outcome.ts'
import { printRef } from '../../domain/image/ref.ts'
import { hasImages, locateImages } from '../../domain/image/locate.ts'
import type { KubeObject } from '../../domain/manifest/object.ts'
import { parseRevision } from '../../domain/source/revision.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import type { SourceStatus } from '../../domain/source/status.ts'
import { readBodies } from './bodies.ts'
import type { Sync, SyncSourceDeps } from './sync.ts'

/** Commits of one sync that are told. */
const mostCommits = 50
/** Workloads of one sync whose images are recorded: a first sync may write thousands. */
const mostRead = 100

export type Told = {
  before: SourceStatus
  after: SourceStatus
  /** The reason of the job. */
  why: string
  /** Milliseconds since 1970. */
  started: number
  /** Objects that were not looked at closer. */
  unchanged: number
}

/** Tells what a sync did, when that is news, and records it when it changed something or failed. Never fails the sync. */
export async function tellSync(sync: Sync, told: Told, deps: SyncSourceDeps, signal: AbortSignal): Promise<void> {
  if (!deps.history) return
  try {
    await tell(sync, told, deps, signal)
  } catch (error) {
    if (!signal.aborted) deps.log.warn({ error: String(error) }, 'what a sync did could not be told')
  }
}

async function tell(sync: Sync, told: Told, deps: SyncSourceDeps, signal: AbortSignal): Promise<void> {
  const { spec, changes } = sync
  const { after } = told
  const before = await lastTold(spec, told, deps)
  const [startedAt, endedAt] = [new Date(told.started), deps.now()].map((time) => time.toISOString()) as [
    string,
    string,
  ]
  const source = sourceOf(spec)
  const changed = changes.filter(
    ({ action }) => action === 'created' || action === 'configured' || action === 'deleted',
  )
  const isMoved = before.attempted !== after.attempted
  const commits = isMoved ? await readCommits(sync, before, deps, signal) : []
  const notes = commits.length > 0 && before.attempted !== '' ? await readNotes(sync, commits, deps, signal) : new Map()
  const ids = changed.map(({ id }) => id)
  await deps.history?.tell(eventsOfSync({ source, startedAt, endedAt, before, after, commits, notes, changed: ids }))
  const isFailure = !after.ready && after.failedCount > 0 && isNewOutcome(before, after)
  if (changed.length === 0 && !isFailure) return
  await deps.history?.record({
    source,
    cause: causeOf(told.why),
    startedAt,
    endedAt,
    outcome: after.failedCount > 0 ? 'failed' : 'done',
    reason: after.reason,
    message: after.message,
    revision: after.attempted,
    before: before.attempted,
    chart: '',
    chartDigest: '',
    valuesDigest: '',
    helmRevision: 0,
    images: await readImages(sync, deps, signal),
    ...countChanges(changes, told.unchanged),
  })
}

/** Tells that a source stands still for a reason that was not there before; not of what a person asked for, which is told already. */
export async function tellStandstill(
  spec: SourceSpec,
  { before, after }: Pick<Told, 'before' | 'after'>,
  deps: SyncSourceDeps,
): Promise<void> {
  if (!deps.history || after.reason === 'Suspended') return
  if (!isNewOutcome(await lastTold(spec, { before, after }, deps), after)) return
  const at = deps.now().toISOString()
  const event = makeEvent({
    type: 'error',
    metadata: {},
    source: sourceOf(spec),
    startedAt: at,
    endedAt: at,
    severity: severityOf(after),
    reason: after.reason,
    commit: parseRevision(after.attempted)?.commit ?? '',
    message: `${after.reason}: ${after.message}`,
  })
  await deps.history.tell([event])
}

/** The status before, as people and sinks know it: trouble of a Source that was removed is over for them. */
async function lastTold(
  spec: SourceSpec,
  { before, after }: Pick<Told, 'before' | 'after'>,
  { wasRemoved }: SyncSourceDeps,
): Promise<SourceStatus> {
  const mayBeOver = !before.ready && !after.ready
  return mayBeOver && (await wasRemoved?.(spec)) ? { ...before, ready: true } : before
}

function sourceOf({ namespace, name }: SourceSpec): EventSource {
  return { kind: 'source', namespace, name }
}

/** Those that touch the source's paths, newest first; after a rewrite that cannot be followed the head alone. */
async function readCommits(
  { spec, commit }: Sync,
  before: SourceStatus,
  { git, sources }: SyncSourceDeps,
  signal: AbortSignal,
): Promise<{ commit: string; message: string }[]> {
  const remote = await sources.remote(spec, signal)
  const from = parseRevision(before.attempted)?.commit
  // with generators any file may matter (flux-v1 §9.3)
  const paths = spec.generate ? [] : spec.paths
  const range = { to: commit, limit: mostCommits, paths }
  try {
    return await git.log(remote, { ...range, ...(from ? { from } : {}) }, signal)
  } catch (error) {
    signal.throwIfAborted()
    if (!from) throw error
    return await git.log(remote, { ...range, limit: 1 }, signal)
  }
}

async function readNotes(
  { spec }: Sync,
  commits: readonly { commit: string }[],
  { git, sources, log }: SyncSourceDeps,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const remote = await sources.remote(spec, signal)
  const wanted = { ref: spec.notesRef, commits: commits.map(({ commit }) => commit) }
  try {
    return await git.notes(remote, wanted, signal)
  } catch (error) {
    signal.throwIfAborted()
    log.info({ error: (error as AppError).message }, 'the notes of commits could not be read')
    return new Map()
  }
}

/** Of the workloads that this sync wrote. */
async function readImages(sync: Sync, deps: SyncSourceDeps, signal: AbortSignal): Promise<string[]> {
  const written = new Set(
    sync.changes.filter(({ action }) => action === 'created' || action === 'configured').map(({ id }) => id),
  )
  const wanted = sync.desired.objects.filter(({ id, ref }) => hasImages(ref.kind) && written.has(id)).slice(0, mostRead)
  if (wanted.length === 0) return []
  const bodies = await readBodies(wanted, sync, deps, signal)
  const images = [...bodies.values()].flatMap((body) => locateImages(JSON.parse(body) as KubeObject) ?? [])
  return [...new Set(images.map(({ image }) => printRef(image)))]
}
