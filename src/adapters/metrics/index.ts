import { collectDefaultMetrics, Registry } from '@prometheus-io/client'
import type {
  Answer,
  CacheAsked,
  ImagesReleased,
  JobEnded,
  QueueFacts,
  RegistryAsked,
  ReleaseEnded,
  ReleaseFacts,
  Standing,
  SyncEnded,
} from './facts.ts'
import { createFluxdMetrics } from './fluxd.ts'
import { createOperatorMetrics } from './operator.ts'
import { createOwnMetrics } from './own.ts'
import { createSampled } from './sampled.ts'

/** What this process measures. Nothing here throws, and nothing is global: each call of the factory starts from zero. */
export type Metrics = {
  /** Everything in Prometheus' text format; never fails, what cannot be read is left out. */
  text(): Promise<{ contentType: string; text: string }>
  jobEnded: (ended: JobEnded) => void
  syncEnded: (ended: SyncEnded) => void
  releaseEnded: (ended: ReleaseEnded) => void
  answered: (answer: Answer) => void
  registryAsked: (asked: RegistryAsked) => void
  cacheAsked: (asked: CacheAsked) => void
  released: (released: ImagesReleased) => void
  /** Whether the repository of the source that fluxd's metrics speak of could be read when it was last tried. */
  gitReady(ready: boolean): void
  /** Whether the service of `--connect` is connected now. */
  upstream(target: string, isConnected: boolean): void
  /** The queue is read when somebody asks for the text, at most every 5 s. */
  watchQueue(read: () => Promise<QueueFacts>): void
  /** The releases are read when somebody asks for the text, at most every 5 s. */
  watchReleases(read: () => Promise<readonly ReleaseFacts[]>): void
  /** Sources and releases are read when somebody asks for the text, at most every 5 s. */
  watchStanding(read: () => Promise<Standing>): void
}

export type MetricsOptions = {
  /** Milliseconds that only go up. */
  now?: () => number
}

/** How old a reading of the queue may be, in milliseconds: several scrapers must not cost several readings. */
const maxAgeMs = 5_000

/** fluxd's and the Helm Operator's metrics under their names, our own as `capstan_…`, and those of the process. */
export function createMetrics({ now = () => performance.now() }: MetricsOptions = {}): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const fluxd = createFluxdMetrics([registry], now)
  const operator = createOperatorMetrics([registry])
  const own = createOwnMetrics([registry])
  const samples: (() => Promise<void>)[] = []

  function showQueue(facts: QueueFacts | undefined): void {
    own.queue(facts)
    fluxd.queueLength(facts?.fluxWaiting)
    operator.queueLength(facts?.counts['sync-release']?.waiting)
  }

  return {
    async text() {
      await Promise.all(samples.map((sample) => sample()))
      fluxd.sample()
      return { contentType: registry.contentType, text: await registry.metrics() }
    },
    jobEnded(ended) {
      own.jobEnded(ended)
      fluxd.jobEnded(ended)
    },
    syncEnded(ended) {
      own.syncEnded(ended)
      fluxd.syncEnded(ended)
    },
    releaseEnded: (ended) => operator.releaseEnded(ended),
    answered(answer) {
      fluxd.answered(answer)
      own.answered(answer)
    },
    registryAsked: fluxd.registryAsked,
    cacheAsked: fluxd.cacheAsked,
    released: fluxd.released,
    gitReady: (ready) => fluxd.gitReady(ready),
    upstream: (target, isConnected) => fluxd.upstream(target, isConnected),
    watchQueue(read) {
      samples.push(createSampled({ read, show: showQueue, maxAgeMs, now }))
    },
    watchStanding(read) {
      samples.push(createSampled({ read, show: own.standing, maxAgeMs, now }))
    },
    watchReleases(read) {
      samples.push(createSampled({ read, show: operator.releases, maxAgeMs, now }))
    },
  }
}
