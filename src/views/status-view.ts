import type { Reading } from './cached.ts'
import type { ReleaseRow } from './release-row.ts'
import type { ReleaseFacts } from './releases.ts'
import type { Attempt, RowReader } from './rows.ts'
import type { SourceRow } from './source-row.ts'
import type { Feature, ViewsOptions } from './views-options.ts'
import type { Workloads } from './workloads.ts'

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

type Asked = ReturnType<RowReader['workloads']>

/** Reads everything at once; `readSources` gives the rows of all sources, also of those that cannot be used. */
export function createStatusReader(
  options: Pick<ViewsOptions, 'enable' | 'now'> & { readSources: (workloads: Asked) => Promise<SourceRow[]> },
  rows: RowReader,
): () => Promise<StatusView> {
  return async () => {
    const asked = rows.workloads()
    const sources = await options.readSources(asked)
    // what a sync just applied must be in the list: a HelmRelease that nobody looked at yet would make all seem ready
    const applied = sources.map(({ changedAt }) => Date.parse(changedAt)).filter((at) => at <= options.now().getTime())
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
      notes: [...sourceNotes(sources, options.enable), ...releaseNotes(facts), ...workloadNotes(workloads)],
      observedAt: oldest([facts.reading, workloads.reading], options.now()),
    }
  }
}

function sourceNotes(sources: readonly SourceRow[], enable: readonly Feature[]): string[] {
  if (!enable.includes('sync') || sources.length > 0) return []
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

/** RFC 3339, of the oldest of these readings. */
export function oldest(readings: readonly (Reading<unknown> | undefined)[], now: Date): string {
  const times = readings.filter((reading) => reading !== undefined).map(({ at }) => at)
  return new Date(Math.min(now.getTime(), ...times)).toISOString()
}
