import type { JobLog, JobView, Queue, QueueCounts } from '../adapters/queue/index.ts'
import type { KubeObject } from '../domain/manifest/object.ts'
import type { SourceSpec } from '../domain/source/spec.ts'
import type { JobKind, Lane } from '../domain/work/job.ts'
import { createExplainer, type Explainer } from './explain/create-explainer.ts'
import { createHistoryView, type HistoryView } from './history.ts'
import { createObjectReader, type ObjectRow } from './objects.ts'
import { createOverview, type OverviewView } from './overview.ts'
import { createReadiness, type Readiness } from './readiness.ts'
import type { ReleaseRow } from './release-row.ts'
import { readHistory, type ReleaseHistory } from './release-history.ts'
import { createRowReader } from './rows.ts'
import { createSinksView, type SinksView } from './sinks.ts'
import type { SourceRow } from './source-row.ts'
import { createSourceRows } from './source-rows.ts'
import { type RepositoryLookup, readRepositories, type UsedRepository } from './repositories.ts'
import { createSourceReader } from './sources.ts'
import { createStatusReader, oldest, type StatusView } from './status-view.ts'
import type { Feature, ViewsOptions } from './views-options.ts'
import { createWorkloadReader, type WorkloadQuery, type WorkloadRow } from './workload-rows.ts'

const statusTimeoutMs = 5000

export type JobFilter = Parameters<Queue['list']>[0]

/** Read-only answers for API and CLI. Lists may be up to two seconds old and say so; one source is always read afresh. */
export type Views = {
  status(): Promise<StatusView>
  /** Everything at a glance; of long lists the part that matters. */
  overview(): Promise<OverviewView>
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
  /** That there is no such source that can be used, and why, in a sentence; reads nothing. */
  noSource(namespace: string, name: string): string
  /** Live workloads with what git says of them; read afresh. Throws ClusterUnavailable or Forbidden. */
  workloads(query: WorkloadQuery): Promise<WorkloadRow[]>
  /** Live workloads whole, behind the namespaces that they are in. */
  workloadObjects(): Promise<KubeObject[]>
  /** What is known of the tags of canonical repositories that workloads of a namespace use. */
  repositories(wanted: Iterable<UsedRepository>): Promise<RepositoryLookup>
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
  /** Kinds of which no jobs are taken, and how many jobs are in line per lane. */
  lines(): Promise<{ paused: JobKind[]; lanes: Record<Lane, number> }>
  /** What was written while a job ran; undefined for a job that there is not. */
  jobLog(id: string, range: { from: number; limit: number }): Promise<JobLog | undefined>
}

/** Builds the views; nothing is read before somebody asks. */
export function createViews(options: ViewsOptions): Views {
  const { queue, enable } = options
  const rows = createRowReader(options)
  const sources = createSourceRows(options, rows)
  const reader = createSourceReader({ ...options, timeoutMs: statusTimeoutMs })
  const workloads = createWorkloadReader({
    ...options,
    sources: sources.specs,
    statusOf: async (spec) => (await reader.status(spec)).status,
  })
  const readObjects = createObjectReader({ ...options, statusOf: async (spec) => (await reader.status(spec)).status })
  const readiness = readinessOf(options)
  async function readKnownReleases(): Promise<Awaited<ReturnType<typeof rows.releases>>> {
    const read = await rows.releases(rows.workloads())
    if (read.facts.failure && !read.facts.reading) throw read.facts.failure
    return read
  }

  const explain = createExplainer(options, rows)
  const status = createStatusReader({ ...options, readSources: (asked) => sources.all(asked) }, rows)
  return {
    status,
    overview: createOverview({
      status,
      explain: async (subject) => await explain(subject, '', async () => true),
      queue,
      now: options.now,
    }),
    sources: async () => await sources.all(rows.workloads()),
    source: async (namespace, name) => await sources.one(namespace, name, () => rows.workloads()),
    standing: async (namespace, name) => await sources.one(namespace, name, async () => ({})),
    async releases() {
      const { rows: releases, facts } = await readKnownReleases()
      return { releases, observedAt: oldest([facts.reading], options.now()) }
    },
    async release(namespace, name) {
      const { rows: releases } = await readKnownReleases()
      return releases.find((row) => row.namespace === namespace && row.name === name)
    },
    releaseHistory: (namespace, name) => readHistory(namespace, name, options),
    objects: async () => await readObjects(sources.specs()),
    explain,
    sourceSpecs: sources.specs,
    noSource: sources.none,
    workloads: async (query) => await workloads.rows(query),
    workloadObjects: async () => await workloads.objects(),
    repositories: async (wanted) => await readRepositories(wanted, options),
    appliedCommits: async (spec) => await reader.applied(spec),
    does: (feature) => enable.includes(feature),
    readiness,
    history: createHistoryView(options.store),
    sinks: createSinksView(options.sinks ?? [], { namespace: options.namespace ?? '', store: options.store }),
    ...queueViews(queue),
  }
}

function queueViews(queue: ViewsOptions['queue']): Pick<Views, 'jobs' | 'job' | 'counts' | 'lines' | 'jobLog'> {
  return {
    jobs: (filter) => queue.list(filter),
    job: (id) => queue.get(id),
    counts: () => queue.counts(),
    async lines() {
      const [paused, depths] = await Promise.all([queue.paused(), queue.lanes()])
      const lanes = Object.entries(depths).map(([lane, { waiting }]) => [lane, waiting])
      return { paused, lanes: Object.fromEntries(lanes) as Record<Lane, number> }
    },
    jobLog: (id, range) => queue.log(id, range),
  }
}

function readinessOf(options: ViewsOptions): () => Promise<Readiness> {
  return createReadiness({
    cluster: options.cluster,
    queue: options.queue,
    starting: options.starting ?? (() => ''),
    ending: options.ending ?? (() => ''),
    warnings: options.warnings ?? (() => []),
    now: () => options.now().getTime(),
  })
}
