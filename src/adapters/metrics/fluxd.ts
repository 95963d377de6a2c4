import { Gauge, Histogram, type Registry } from '@prometheus-io/client'
import type { Answer, CacheAsked, ImagesReleased, JobEnded, RegistryAsked, SyncEnded } from './facts.ts'
import { setOrLeaveOut } from './sampled.ts'

/** fluxd's metrics, with its names, labels and buckets (flux-v1 §25); they speak of the source that the flags make (ruling 19). */
export type FluxdMetrics = {
  jobEnded: (ended: JobEnded) => void
  syncEnded: (ended: SyncEnded) => void
  answered: (answer: Answer) => void
  gitReady: (ready: boolean) => void
  /** Jobs that wait to write to git. */
  queueLength: (jobs: number | undefined) => void
  registryAsked: (asked: RegistryAsked) => void
  cacheAsked: (asked: CacheAsked) => void
  released: (released: ImagesReleased) => void
  /** Whether the service of `--connect` is connected now. */
  upstream: (target: string, isConnected: boolean) => void
  /** Brings the times up to date that grow by themselves. */
  sample: () => void
}

const jobBuckets = [0.1, 0.5, 1, 2, 5, 10, 15, 20, 30, 45, 60, 120]
const syncBuckets = [0.5, 5, 10, 20, 30, 40, 50, 60, 75, 90, 120, 240]

/** fluxd's "jobs" are what writes to git; its API and its syncs have metrics of their own. */
const fluxdJobKind = 'update-images'

/** `now` is in milliseconds that only go up. */
export function createFluxdMetrics(registers: [Registry], now: () => number): FluxdMetrics {
  const syncDuration = new Histogram({
    name: 'flux_daemon_sync_duration_seconds',
    help: 'Duration of git-to-cluster synchronisation, in seconds.',
    labelNames: ['success'],
    buckets: syncBuckets,
    registers,
  })
  const syncManifests = new Gauge({
    name: 'flux_daemon_sync_manifests',
    help: 'Number of manifests in the last sync.',
    labelNames: ['success'],
    registers,
  })
  const jobDuration = new Histogram({
    name: 'flux_daemon_job_duration_seconds',
    help: 'Duration of the jobs that write to git, in seconds.',
    labelNames: ['success'],
    buckets: jobBuckets,
    registers,
  })
  const queueDuration = new Histogram({
    name: 'flux_daemon_queue_duration_seconds',
    help: 'Time that the jobs that write to git waited before they ran, in seconds.',
    buckets: jobBuckets,
    registers,
  })
  const queueLength = new Gauge({
    name: 'flux_daemon_queue_length_count',
    help: 'Jobs that wait to write to git.',
    registers,
  })
  const gitReady = new Gauge({ name: 'flux_git_ready', help: '1 when the repository can be read, else 0.', registers })
  const requests = new Histogram({
    name: 'flux_request_duration_seconds',
    help: 'Time (in seconds) spent serving HTTP requests.',
    labelNames: ['method', 'route', 'status_code', 'ws'],
    registers,
  })

  const connection = new Gauge({
    name: 'flux_fluxd_connection_duration_seconds',
    help: 'Duration in seconds of the current connection to the service of --connect; zero means unconnected.',
    labelNames: ['target'],
    registers,
  })
  const connectedSince = new Map<string, number | undefined>()

  const images = createImageMetrics(registers)

  return {
    ...images,
    upstream: (target, isConnected) => connectedSince.set(target, isConnected ? now() : undefined),
    sample() {
      for (const [target, since] of connectedSince)
        connection.set({ target }, since === undefined ? 0 : (now() - since) / 1000)
    },
    jobEnded({ kind, outcome, seconds, waitedSeconds, isFlux }) {
      if (kind !== fluxdJobKind || !isFlux) return
      jobDuration.observe({ success: String(outcome !== 'failed') }, seconds)
      if (waitedSeconds !== undefined) queueDuration.observe(waitedSeconds)
    },
    syncEnded({ success, seconds, changes, objects, isFlux }) {
      if (!isFlux) return
      syncDuration.observe({ success: String(success) }, seconds)
      const failed = changes.filter(({ action }) => action === 'failed').length
      syncManifests.set({ success: 'true' }, Math.max(0, objects - failed))
      syncManifests.set({ success: 'false' }, failed)
    },
    answered({ method, route, status, seconds }) {
      requests.observe({ method, route: route || 'unmatched', status_code: String(status), ws: 'false' }, seconds)
    },
    gitReady: (ready) => gitReady.set(ready ? 1 : 0),
    queueLength: (jobs) => setOrLeaveOut(queueLength, jobs),
  }
}

/** What fluxd measured of images, registries and its cache. */
function createImageMetrics(registers: [Registry]): Pick<FluxdMetrics, 'registryAsked' | 'cacheAsked' | 'released'> {
  const remote = new Histogram({
    name: 'flux_client_fetch_duration_seconds',
    help: 'Duration of remote image metadata requests, in seconds.',
    labelNames: ['kind', 'success'],
    registers,
  })
  const known = new Histogram({
    name: 'flux_registry_fetch_duration_seconds',
    help: 'Duration of image metadata requests (from cache), in seconds.',
    labelNames: ['success'],
    registers,
  })
  const cache = new Histogram({
    name: 'flux_cache_request_duration_seconds',
    help: 'Duration of cache requests, in seconds.',
    labelNames: ['method', 'success'],
    registers,
  })
  const releases = new Histogram({
    name: 'flux_fluxsvc_release_duration_seconds',
    help: 'Duration of releases of images, in seconds.',
    labelNames: ['release_type', 'release_kind', 'success'],
    registers,
  })
  return {
    registryAsked: ({ kind, success, seconds }) => remote.observe({ kind, success: String(success) }, seconds),
    cacheAsked({ method, success, seconds, isRepository }) {
      cache.observe({ method, success: String(success) }, seconds)
      if (isRepository) known.observe({ success: String(success) }, seconds)
    },
    released({ type, kind, success, seconds }) {
      releases.observe({ release_type: type, release_kind: kind, success: String(success) }, seconds)
    },
  }
}
