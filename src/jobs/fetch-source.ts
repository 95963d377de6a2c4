import type { Cluster } from '../adapters/cluster/index.ts'
import type { Git, GitRemote } from '../adapters/git/index.ts'
import type { Store } from '../adapters/store/index.ts'
import { type AppError, toAppError } from '../domain/error.ts'
import { printRevision } from '../domain/source/revision.ts'
import type { SourceSpec } from '../domain/source/spec.ts'
import { type FetchFact, fetchKey, readSourceStatus, statusRef } from '../domain/source/status.ts'
import { type Enqueue, type JobPayload, laneOfReason, type Outcome, periodicReason } from '../domain/work/job.ts'
import type { Logger } from '../lib/logger.ts'

/** The sources of this Capstan and how to reach each repository. */
export type Sources = {
  list(): readonly SourceSpec[]
  get(namespace: string, name: string): SourceSpec | undefined
  remote(spec: SourceSpec): GitRemote
}

export type FetchSourceDeps = {
  sources: Sources
  git: Pick<Git, 'fetch' | 'resolve'>
  cluster: Pick<Cluster, 'get'>
  store: Pick<Store, 'set'>
  enqueue: Enqueue
  log: Logger
  now: () => Date
}

/**
 * Brings the mirror up to date and asks for a sync when the branch moved since the last one that was tried. A person or a push
 * gets a sync in any case, also at an unchanged head (flux-v1 §8, #2818). The summary ends in ` → <job id>` when a sync follows.
 */
export async function fetchSource(payload: JobPayload, deps: FetchSourceDeps, signal: AbortSignal): Promise<Outcome> {
  const spec = deps.sources.get(payload.namespace, payload.name)
  if (!spec) return { end: 'done', summary: 'no such source; nothing to do' }
  const head = await fetchHead(spec, deps, signal)
  const revision = printRevision({ branch: spec.branch, commit: head })
  const attempted = await readAttempted(spec, deps, signal)
  const moved = attempted !== revision
  if (!moved && payload.reason === periodicReason) return { end: 'done', summary: `${revision} is synced already` }
  const reason = moved && payload.reason === periodicReason ? 'new revision' : payload.reason
  const { jobId } = await deps.enqueue({
    kind: 'sync-source',
    namespace: spec.namespace,
    name: spec.name,
    reason,
    lane: laneOfReason(reason),
  })
  return { end: 'done', summary: `${revision} → ${jobId}` }
}

async function fetchHead(spec: SourceSpec, deps: FetchSourceDeps, signal: AbortSignal): Promise<string> {
  try {
    await deps.git.fetch(deps.sources.remote(spec), signal)
    const head = await deps.git.resolve(deps.sources.remote(spec), spec.branch, signal)
    await note(spec, deps, { head, reason: '', message: '' })
    return head
  } catch (error) {
    const failure: AppError = toAppError(error)
    if (!signal.aborted) await note(spec, deps, { head: '', reason: failure.reason, message: failure.message })
    throw failure
  }
}

async function note(spec: SourceSpec, deps: FetchSourceDeps, fact: Omit<FetchFact, 'at'>): Promise<void> {
  const full: FetchFact = { at: deps.now().toISOString(), ...fact }
  await deps.store.set(fetchKey(spec.namespace, spec.name), JSON.stringify(full))
}

async function readAttempted(spec: SourceSpec, deps: FetchSourceDeps, signal: AbortSignal): Promise<string> {
  const found = await deps.cluster.get(statusRef(spec), { signal })
  return readSourceStatus(found)?.attempted ?? ''
}
