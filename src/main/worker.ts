import type { LeasedFence } from '../adapters/cluster/index.ts'
import type { Processor } from '../adapters/queue/index.ts'
import { isFluxJob, isFluxSource } from '../domain/source/flux-source.ts'
import type { JobKind } from '../domain/work/job.ts'
import { watchDrift } from '../jobs/drift.ts'
import { fetchSource } from '../jobs/fetch-source.ts'
import { statusInCluster } from '../jobs/read-status.ts'
import { owedSinks } from '../jobs/notify-sinks.ts'
import { resync } from '../jobs/resync.ts'
import { syncSource } from '../jobs/sync-source/index.ts'
import { fetching } from './fetching.ts'
import { lookProcessors } from './read-only.ts'
import { whenRoomy } from './keep-memory.ts'
import { requestProcessors } from './request-worker.ts'
import { createSiblings } from '../jobs/touched.ts'
import { syncDeps } from './sync-deps.ts'
import { releaseWork } from './release-worker.ts'
import { imageWork } from './image-worker.ts'
import { sinkWork } from './sink-worker.ts'
import { forgetRemoved, reported } from './source-work.ts'
import type { Ending } from './stop.ts'
import type { Parts } from './wire.ts'

type Processors = Partial<Record<JobKind, { run: Processor; slots: number }>>

/** Those of one repository wait for one fetch together; git itself fetches fewer at once. */
const fetchSlots = 16
/** Most of a small one is waiting; what many of them parse goes to one process. */
const syncSlots = 8

/** The jobs that this process takes, by what is enabled. */
export function processorsOf(
  parts: Parts,
  fence: LeasedFence,
  env: NodeJS.ProcessEnv,
  ending: Pick<Ending, 'last' | 'signal'>,
): Processors {
  const { config, cluster, git, queue, store, sources, owned, memory, history, log } = parts
  const now = () => new Date()
  const enqueue = queue.enqueue
  const processors: Processors = {}
  const images = config.takesUpdates ? imageWork(parts, fence, env) : undefined
  const releases = config.enable.includes('releases') ? releaseWork(parts, fence, env) : undefined
  const periodic = {
    sources,
    cluster,
    enqueue,
    scans: async (signal: AbortSignal) => (await images?.list(signal)) ?? [],
    sinks: async () => await owedSinks(parts.sinks, store),
    scanSpreadMs: config.images.scanIntervalMs / 5,
    random: Math.random,
    releaseNamespace: config.releases.namespace,
    finalizer: config.releases.finalizer,
    legacyReleases: config.releases.legacy,
    ...(releases ? { resting: releases.resting } : {}),
  }
  processors.resync = { slots: 2, run: (payload, { signal }) => resync(payload, periodic, signal) }
  if (parts.sinks.length > 0 && !config.readOnly) processors['deliver-event'] = sinkWork(parts, ending)
  if (images) {
    if (config.enable.includes('images')) processors['scan-image'] = { slots: 8, run: images.scan }
    processors['update-images'] = { slots: 4, run: images.update }
    ending.last(() => images.close())
  }
  if (config.enable.includes('sync') && config.readOnly) Object.assign(processors, lookProcessors(parts, fence))
  else if (config.enable.includes('sync')) {
    const common = { sources, git, readStatus: statusInCluster(cluster), log, now }
    const wakeSiblings = createSiblings({ sources, git, store, enqueue, log })
    processors['fetch-source'] = {
      slots: fetchSlots,
      run: reported(
        fetching(parts, (payload, { jobId, signal }) =>
          fetchSource(payload, { ...common, store, memory, enqueue, history: history(jobId), wakeSiblings }, signal),
        ),
        parts,
      ),
    }
    const sync = syncDeps(parts, fence)
    processors['sync-source'] = {
      slots: syncSlots,
      run: reported(
        (payload, { jobId, signal }) => syncSource(payload, { ...sync, history: history(jobId) }, signal),
        parts,
      ),
    }
    Object.assign(processors, requestProcessors(parts, sync))
    watchDrift({ owned, memory, sources, enqueue, log, now })
    forgetRemoved(parts)
  }
  Object.assign(processors, releases?.processors)
  return Object.fromEntries(
    Object.entries(processors).map(([kind, { run, slots }]) => [
      kind,
      { slots, run: measured(kind as JobKind, whenRoomy(run, parts.memoryWatch), parts) },
    ]),
  )
}

/** The job, with a count of how it ended and how long it took. */
function measured(kind: JobKind, run: Processor, { metrics, sources }: Pick<Parts, 'metrics' | 'sources'>): Processor {
  return async (payload, context) => {
    const started = performance.now()
    const waitedSeconds = Math.max(0, (Date.now() - Date.parse(payload.requestedAt)) / 1000) || 0
    const tell = (outcome: 'done' | 'again' | 'failed') => {
      const seconds = (performance.now() - started) / 1000
      metrics.jobEnded({ kind, outcome, seconds, waitedSeconds, isFlux: isFluxJob(payload, sources.list()) })
      if (kind === 'fetch-source' && isFluxSource(payload, sources.list())) metrics.gitReady(outcome !== 'failed')
    }
    try {
      const outcome = await run(payload, context)
      tell(outcome.end)
      return outcome
    } catch (error) {
      tell('failed')
      throw error
    }
  }
}
