import type { Cluster } from '../adapters/cluster/index.ts'
import type { JobView, Queue, QueueCounts } from '../adapters/queue/index.ts'
import type { Store } from '../adapters/store/index.ts'
import { type AppError, toAppError } from '../domain/error.ts'
import type { SourceSpec } from '../domain/source/spec.ts'
import { createCached, type Reading } from './cached.ts'
import { createReadiness, type Readiness } from './readiness.ts'
import { type ReleaseRow, releaseRow, releaseTarget } from './release-row.ts'
import { type ReleaseFacts, readReleases, storedKey } from './releases.ts'
import { type SourceRow, sourceRow } from './source-row.ts'
import { createSourceReader } from './sources.ts'
import { readWorkloads, unhealthyOfRelease, unhealthyOfSource, type Workloads } from './workloads.ts'

/** The whole state in one answer (W35). `healthy` is about workloads and apart from `ready`. */
export type StatusView = {
  ready: boolean
  healthy: boolean
  sources: SourceRow[]
  releases: ReleaseRow[]
  /** Plain sentences about what is not there or could not be read. */
  notes: string[]
  /** RFC 3339, of the oldest reading in here. */
  observedAt: string
}

export type JobFilter = Parameters<Queue['list']>[0]

/** Read-only answers for API and CLI. Lists may be up to two seconds old and say so; one source is always read afresh. */
export type Views = {
  status(): Promise<StatusView>
  sources(): Promise<SourceRow[]>
  /** Undefined when there is no such source. */
  source(namespace: string, name: string): Promise<SourceRow | undefined>
  /** Throws ClusterUnavailable or Forbidden when they have never been read. */
  releases(): Promise<{ releases: ReleaseRow[]; observedAt: string }>
  release(namespace: string, name: string): Promise<ReleaseRow | undefined>
  /** The configured sources; reads nothing. */
  sourceSpecs(): readonly SourceSpec[]
  /** True when this kind of work is done here. */
  does(feature: Feature): boolean
  readiness(): Promise<Readiness>
  /** The queue's own answers; they throw RedisUnavailable. */
  jobs(filter: JobFilter): Promise<JobView[]>
  job(id: string): Promise<JobView | undefined>
  counts(): Promise<QueueCounts>
}

export type Feature = 'sync' | 'releases' | 'images'

export type ViewsOptions = {
  cluster: Pick<Cluster, 'server' | 'version' | 'get' | 'list' | 'resource'>
  store: Pick<Store, 'get'>
  queue: Pick<Queue, 'list' | 'get' | 'counts' | 'isUp' | 'warnings'>
  sources: () => readonly SourceSpec[]
  enable: readonly Feature[]
  /** The one namespace in which HelmReleases are looked for; empty for all. */
  releaseNamespace: string
  /** What the start still waits for, in words; empty when it is over. Default: nothing. */
  starting?: () => string
  /** More sentences for `/readyz`, e.g. about the versions of git and helm. */
  warnings?: () => readonly string[]
  now: () => Date
}

const ttlMs = 2000
const timeoutMs = 5000

/** Builds the views; nothing is read before somebody asks. */
export function createViews(options: ViewsOptions): Views {
  const { cluster, queue, enable, releaseNamespace } = options
  const now = (): number => options.now().getTime()
  const reader = createSourceReader({ cluster, store: options.store, timeoutMs })
  const cacheOptions = { ttlMs, timeoutMs, now }
  const allReleases = createCached((signal) => readReleases(cluster, releaseNamespace, signal), cacheOptions)
  const allWorkloads = createCached((signal) => readWorkloads(cluster, signal), cacheOptions)
  const readiness = createReadiness({
    cluster,
    queue,
    starting: options.starting ?? (() => ''),
    warnings: options.warnings ?? (() => []),
    now,
  })
  const sourceSpecs = (): readonly SourceSpec[] => (enable.includes('sync') ? options.sources() : [])

  async function readSource(spec: SourceSpec, asked: Promise<Attempt<Workloads>>): Promise<SourceRow> {
    const [{ status, failure }, fetched, workloads] = await Promise.all([
      reader.status(spec),
      reader.fetched(spec),
      asked,
    ])
    const live = current(workloads)
    const unhealthy = live && unhealthyOfSource(spec, live)
    return sourceRow({ spec, status, failure, fetched, redisIsUp: queue.isUp(), unhealthy, now: options.now() })
  }

  async function readSources(workloads: Promise<Attempt<Workloads>>): Promise<SourceRow[]> {
    return await Promise.all(sourceSpecs().map((spec) => readSource(spec, workloads)))
  }

  async function readReleaseRows(
    asked: Promise<Attempt<Workloads>>,
  ): Promise<{ rows: ReleaseRow[]; facts: Attempt<ReleaseFacts> }> {
    if (!enable.includes('releases')) return { rows: [], facts: {} }
    const [facts, workloads] = await Promise.all([attempt(allReleases), asked])
    return { rows: releaseRows(facts, current(workloads)), facts }
  }

  async function readKnownReleases(): Promise<{ rows: ReleaseRow[]; facts: Attempt<ReleaseFacts> }> {
    const read = await readReleaseRows(attempt(allWorkloads))
    if (read.facts.failure && !read.facts.reading) throw read.facts.failure
    return read
  }

  return {
    async status() {
      const asked = attempt(allWorkloads)
      const [sources, { rows: releases, facts }, workloads] = await Promise.all([
        readSources(asked),
        readReleaseRows(asked),
        asked,
      ])
      const rows = [...sources, ...releases]
      return {
        ready: !facts.failure && rows.every((row) => row.ready),
        healthy: !workloads.failure && rows.every((row) => row.healthy),
        sources,
        releases,
        notes: [...sourceNotes(sourceSpecs(), enable), ...releaseNotes(facts), ...workloadNotes(workloads)],
        observedAt: oldest([facts.reading, workloads.reading], options.now()),
      }
    },
    sources: async () => await readSources(attempt(allWorkloads)),
    async source(namespace, name) {
      const spec = sourceSpecs().find((one) => one.namespace === namespace && one.name === name)
      return spec && (await readSource(spec, attempt(allWorkloads)))
    },
    async releases() {
      const { rows, facts } = await readKnownReleases()
      return { releases: rows, observedAt: oldest([facts.reading], options.now()) }
    },
    async release(namespace, name) {
      const { rows } = await readKnownReleases()
      return rows.find((row) => row.namespace === namespace && row.name === name)
    },
    sourceSpecs,
    does: (feature) => enable.includes(feature),
    readiness,
    jobs: (filter) => queue.list(filter),
    job: (id) => queue.get(id),
    counts: () => queue.counts(),
  }
}

/** A reading, why there is no (newer) one, or both. */
type Attempt<T> = { reading?: Reading<T>; failure?: AppError }

async function attempt<T>(read: () => Promise<Reading<T>>): Promise<Attempt<T>> {
  try {
    const reading = await read()
    return { reading, ...(reading.failure ? { failure: reading.failure } : {}) }
  } catch (error) {
    return { failure: toAppError(error) }
  }
}

/** The value of a reading that did not fail; health that is not known now is not told. */
function current<T>({ reading, failure }: Attempt<T>): T | undefined {
  return failure ? undefined : reading?.value
}

/** What was read last; when there is nothing newer, no release counts as ready, for nobody knows. */
function releaseRows({ reading, failure }: Attempt<ReleaseFacts>, workloads: Workloads | undefined): ReleaseRow[] {
  if (!reading) return []
  const { objects, stored } = reading.value
  return objects.map((object) => {
    const { release, namespace } = releaseTarget(object)
    const unhealthy = workloads && unhealthyOfRelease(release, namespace, workloads)
    const row = releaseRow(object, stored.get(storedKey(object)), unhealthy)
    return failure ? { ...row, ready: false, reason: failure.reason, message: failure.message } : row
  })
}

function sourceNotes(specs: readonly SourceSpec[], enable: readonly Feature[]): string[] {
  if (!enable.includes('sync') || specs.length > 0) return []
  return ['No git repository is configured; give --git-url.']
}

function releaseNotes({ reading, failure }: Attempt<ReleaseFacts>): string[] {
  if (failure) return [`Releases could not be read: ${failure.message}`]
  return !reading || reading.value.isServed
    ? []
    : ['The cluster has no HelmRelease definition; releases run once it is there.']
}

function workloadNotes({ failure }: Attempt<Workloads>): string[] {
  return failure ? [`The health of workloads is not known: ${failure.message}`] : []
}

function oldest(readings: readonly (Reading<unknown> | undefined)[], now: Date): string {
  const times = readings.filter((reading) => reading !== undefined).map(({ at }) => at)
  return new Date(Math.min(now.getTime(), ...times)).toISOString()
}
