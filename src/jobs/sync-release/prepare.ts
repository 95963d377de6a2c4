import { changedAt } from '../../domain/manifest/changed-at.ts'
import { prepareChart } from './chart.ts'
import { composeValues } from './compose-values.ts'
import type { SyncReleaseDeps } from './deps.ts'
import { memoryOf } from './memory.ts'
import type { PreparedChart, Work } from './work.ts'

/**
 * Brings the chart to disk and composes the values. Throws ChartNotFound, ChartAuthFailed, RenderFailed, GitUnreachable, GitAuthFailed,
 * GitRefNotFound, PathNotFound, InvalidValues.
 */
export async function prepare(work: Work, deps: SyncReleaseDeps): Promise<void> {
  const { spec, signal } = work
  const { chartSources } = memoryOf(deps)
  const [id, source] = [`${spec.namespace}/${spec.name}`, sourceOf(work)]
  const isNew = source !== undefined && chartSources.get(id) !== source
  work.doing = 'chart'
  const chart = await prepareChart(spec, isNew ? { ...deps, freshAfter: freshAfter(work, deps) } : deps, signal)
  work.doing = undefined
  if (isNew) chartSources.set(id, source)
  sayFetched(chart, work)
  const { values, digest } = await composeValues(spec, chart, deps, signal)
  work.wanted = { chart, values, digest }
}

/** Whatever is wrong besides. Said where it is news only: what follows in this run enters a phase of its own, with the same write. */
function sayFetched({ name, version }: PreparedChart, { status }: Work): void {
  const fetched = status.current().conditions?.find(({ type }) => type === 'ChartFetched')
  if (fetched?.status !== 'True') status.enter('ChartFetched', `Fetched chart ${name} ${version}`)
}

/** Where in git a chart is. */
function sourceOf({ spec: { chart } }: Work): string | undefined {
  return chart.kind === 'git' ? JSON.stringify([chart.url, chart.ref, chart.path]) : undefined
}

/** Who names another place in git may have pushed it just before, so that what was fetched before that does not count. */
function freshAfter({ object }: Work, deps: SyncReleaseDeps): number {
  const now = deps.now().getTime()
  return Math.max(deps.freshAfter ?? 0, Math.min(changedAt(object) ?? now, now))
}
