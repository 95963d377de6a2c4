import type { Processor } from '../adapters/queue/index.ts'
import { AppError, toAppError } from '../domain/error.ts'
import type { SourceSpec } from '../domain/source/spec.ts'
import { isPassing } from '../domain/source/passing.ts'
import { fetchKey, parseFetchFact } from '../domain/source/status.ts'
import type { JobPayload } from '../domain/work/job.ts'
import { statusInCluster } from '../jobs/read-status.ts'
import { mirrorSource, writeSourceConditions } from '../jobs/source-conditions.ts'
import type { SyncSourceDeps } from '../jobs/sync-source/sync.ts'
import { tellRemoved } from '../jobs/tell-removed.ts'
import type { WatchSourcesDeps } from '../jobs/watch-sources.ts'
import type { Parts } from './wire.ts'

type ReportParts = Pick<Parts, 'cluster' | 'sources' | 'log'>
type PublishParts = ReportParts & { store: Pick<Parts['store'], 'get'> }

/** What the leader's watch over Source objects needs. */
export function sourceWatchOf({
  cluster,
  queue,
  log,
  config,
  store,
  history,
}: Pick<Parts, 'cluster' | 'queue' | 'log' | 'config' | 'store' | 'history'>): WatchSourcesDeps {
  const deps = { cluster, log, now: () => new Date() }
  const telling = { ...deps, store, readStatus: statusInCluster(cluster), history: history('') }
  return {
    cluster,
    enqueue: queue.enqueue,
    report: async ({ namespace, name, object, problem }, signal) => {
      if (config.readOnly) return
      await writeSourceConditions({ namespace, name, suspended: undefined, object }, { problem }, deps, signal)
    },
    removed: async (source, signal) => {
      if (!config.readOnly) await tellRemoved(source, telling, signal)
    },
    log,
    random: Math.random,
  }
}

/** Drift of objects that a deleted Source has left is nobody's, until another Source has them. */
export function forgetRemoved({ sources, memory }: Pick<Parts, 'sources' | 'memory'>): void {
  sources.onChange(({ kind, namespace, name }) => {
    if (kind === 'removed') memory.forget(namespace, name)
  })
}

/** Mirrors the status that a sync has stored into its Source object; for people only, so a failure of it fails no sync. */
export function publisher(parts: PublishParts): SyncSourceDeps['publish'] {
  const deps = { cluster: parts.cluster, log: parts.log, now: () => new Date() }
  return async (spec, status, signal) => {
    if (spec.origin !== 'resource') return
    try {
      const fetch = await fetchFailure(spec, parts)
      await writeSourceConditions(spec, { status, fetch }, deps, signal)
    } catch (error) {
      logUnless(signal, parts)(error)
    }
  }
}

/** What is applied says nothing of a repository that cannot be reached: that stands until a fetch succeeds (hazard D1). */
async function fetchFailure({ namespace, name }: SourceSpec, { store }: PublishParts): Promise<AppError | undefined> {
  const fact = parseFetchFact(await store.get(fetchKey(namespace, name)).catch(() => undefined))
  return fact?.reason ? new AppError(fact.reason, fact.message) : undefined
}

/**
 * A job of a source that also tells in the object's status why it failed, which no sync says, and when that is over. What a fetch has
 * failed with is over with the next fetch, everything else with the next sync.
 */
export function reported(run: Processor, parts: PublishParts): Processor {
  const { cluster, sources, log } = parts
  const deps = { cluster, log, now: () => new Date() }
  const failed = new Set<string>()

  function isOld({ kind, namespace, name }: JobPayload, spec: SourceSpec): boolean {
    const { reason = '', generation } = sources.find(namespace, name)?.reported ?? {}
    if (kind === 'sync-source') return generation !== spec.object?.generation || reason !== 'Applied'
    return failed.delete(`${namespace}/${name}`) || reason.startsWith('Git')
  }

  return async (payload, context) => {
    const { namespace, name } = payload
    const spec = sources.get(namespace, name)
    if (spec?.origin !== 'resource') return await run(payload, context)
    const { signal } = context
    const tell = async (failure: AppError | undefined): Promise<void> => {
      await mirrorSource(spec, failure, deps, signal).catch(logUnless(signal, parts))
    }
    try {
      const outcome = await run(payload, context)
      if (isOld(payload, spec)) await tell(payload.kind === 'sync-source' ? await fetchFailure(spec, parts) : undefined)
      return outcome
    } catch (error) {
      const failure = toAppError(error)
      if (signal.aborted || isPassing(failure.reason)) throw error
      if (payload.kind === 'fetch-source') failed.add(`${namespace}/${name}`)
      await tell(failure)
      throw error
    }
  }
}

function logUnless(signal: AbortSignal, { log }: ReportParts): (error: unknown) => void {
  return (error) => {
    if (!signal.aborted) log.warn({ error: String(error) }, 'the status of a Source could not be written')
  }
}
