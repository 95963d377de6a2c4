import type { JobView, Queue, QueueCounts } from '../adapters/queue/index.ts'
import type { RepositoryFacts } from '../domain/image/facts.ts'
import type { KubeObject } from '../domain/manifest/object.ts'
import type { SourceSpec } from '../domain/source/spec.ts'
import type { Reading } from './cached.ts'
import { createExplainer, type Explainer } from './explain/create-explainer.ts'
import { createHistoryView, type HistoryView } from './history.ts'
import { createObjectReader, type ObjectRow } from './objects.ts'
import { createReadiness, type Readiness } from './readiness.ts'
import type { ReleaseRow } from './release-row.ts'
import type { ReleaseFacts } from './releases.ts'
import { readHistory, type ReleaseHistory } from './release-history.ts'
import { type Attempt, createRowReader } from './rows.ts'
import { createSinksView, type SinksView } from './sinks.ts'
import type { SourceRow } from './source-row.ts'
import { readRepositories } from './repositories.ts'
import { createSourceReader } from './sources.ts'
import type { Feature, ViewsOptions } from './views-options.ts'
import { createWorkloadReader, type WorkloadQuery, type WorkloadRow } from './workload-rows.ts'
import type { Workloads } from './workloads.ts'

const statusTimeoutMs = 5000

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
  /** The same without looking at its workloads, for who waits: whether they are healthy is not known. */
  standing(namespace: string, name: string): Promise<SourceRow | undefined>
  /** Throws ClusterUnavailable or Forbidden when they have never been read. */
  releases(): Promise<{ releases: ReleaseRow[]; observedAt: string }>
  release(namespace: string, name: string): Promise<ReleaseRow | undefined>
  /** What helm stored; undefined when there is no such release. Read afresh. */
  releaseHistory(namespace: string, name: string): Promise<ReleaseHistory | undefined>
  /** What stops a workload, release, source, image or commit, and where. Read afresh but for lists. */
  explain: Explainer
  /** What the sources own, and sentences about what could not be read. */
  objects(): Promise<{ objects: ObjectRow[]; notes: string[] }>
  /** The configured sources; reads nothing. */
  sourceSpecs(): readonly SourceSpec[]
  /** Live workloads with what git says of them; read afresh. Throws ClusterUnavailable or Forbidden. */
  workloads(query: WorkloadQuery): Promise<WorkloadRow[]>
  /** Live workloads whole, behind the namespaces that they are in. */
  workloadObjects(): Promise<KubeObject[]>
  /** What is known of the tags of canonical repositories; those of which nothing is known are left out. */
  repositories(names: Iterable<string>): Promise<Map<string, RepositoryFacts>>
  /** The commits that are applied, newest first. Throws what reading the status throws. */
  appliedCommits(spec: SourceSpec): Promise<string[]>
  /** True when this kind of work is done here. */
  does(feature: Feature): boolean
  readiness(): Promise<Readiness>
  /** What happened. */
  history: HistoryView
  /** Where it is sent. */
  sinks: SinksView
  /** The queue's own answers; they throw RedisUnavailable. */
  jobs(filter: JobFilter): Promise<JobView[]>
  job(id: string): Promise<JobView | undefined>
  counts(): Promise<QueueCounts>
}

/** Builds the views; nothing is read before somebody asks. */
export function createViews(options: ViewsOptions): Views {
  const { queue, enable } = options
  const sourceSpecs = (): readonly SourceSpec[] => (enable.includes('sync') ? options.sources() : [])
  const rows = createRowReader(options)
  const reader = createSourceReader({ ...options, timeoutMs: statusTimeoutMs })
  const workloads = createWorkloadReader({
    ...options,
    sources: sourceSpecs,
    statusOf: async (spec) => (await reader.status(spec)).status,
  })
  const readObjects = createObjectReader({ ...options, statusOf: async (spec) => (await reader.status(spec)).status })
  const readiness = readinessOf(options)
  async function readSources(workloads: ReturnType<typeof rows.workloads>): Promise<SourceRow[]> {
    return await Promise.all(sourceSpecs().map((spec) => rows.source(spec, workloads)))
  }

  async function readSource(
    { namespace, name }: { namespace: string; name: string },
    workloads: ReturnType<typeof rows.workloads>,
  ): Promise<SourceRow | undefined> {
    const spec = sourceSpecs().find((one) => one.namespace === namespace && one.name === name)
    return spec && (await rows.source(spec, workloads))
  }

  async function readKnownReleases(): Promise<Awaited<ReturnType<typeof rows.releases>>> {
    const read = await rows.releases(rows.workloads())
    if (read.facts.failure && !read.facts.reading) throw read.facts.failure
    return read
  }

  return {
    async status() {
      const asked = rows.workloads()
      const sources = await readSources(asked)
      // what a sync just applied must be in the list: a HelmRelease that nobody looked at yet would make all seem ready
      const applied = sources
        .map(({ changedAt }) => Date.parse(changedAt))
        .filter((at) => at <= options.now().getTime())
      const [{ rows: releases, facts }, workloads] = await Promise.all([
        rows.releases(asked, Math.max(0, ...applied)),
        asked,
      ])
      const all = [...sources, ...releases]
      return {
        ready: !facts.failure && all.every((row) => row.ready),
        healthy: !workloads.failure && all.every((row) => row.healthy),
        sources,
        releases,
        notes: [...sourceNotes(sourceSpecs(), enable), ...releaseNotes(facts), ...workloadNotes(workloads)],
        observedAt: oldest([facts.reading, workloads.reading], options.now()),
      }
    },
    sources: async () => await readSources(rows.workloads()),
    source: async (namespace, name) => await readSource({ namespace, name }, rows.workloads()),
    standing: async (namespace, name) => await readSource({ namespace, name }, Promise.resolve({})),
    async releases() {
      const { rows: releases, facts } = await readKnownReleases()
      return { releases, observedAt: oldest([facts.reading], options.now()) }
    },
    async release(namespace, name) {
      const { rows: releases } = await readKnownReleases()
      return releases.find((row) => row.namespace === namespace && row.name === name)
    },
    releaseHistory: (namespace, name) => readHistory(namespace, name, options),
    explain: createExplainer(options, rows),
    objects: async () => await readObjects(sourceSpecs()),
    sourceSpecs,
    workloads: async (query) => await workloads.rows(query),
    workloadObjects: async () => await workloads.objects(),
    repositories: async (names) => await readRepositories(names, options.store),
    appliedCommits: async (spec) => await reader.applied(spec),
    does: (feature) => enable.includes(feature),
    readiness,
    history: createHistoryView(options.store),
    sinks: createSinksView(options.sinks ?? [], { namespace: options.namespace ?? '', store: options.store }),
    jobs: (filter) => queue.list(filter),
    job: (id) => queue.get(id),
    counts: () => queue.counts(),
  }
}

function readinessOf(options: ViewsOptions): () => Promise<Readiness> {
  return createReadiness({
    cluster: options.cluster,
    queue: options.queue,
    starting: options.starting ?? (() => ''),
    warnings: options.warnings ?? (() => []),
    now: () => options.now().getTime(),
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
