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
  const chart = await prepareChart(spec, deps, signal)
  sayFetched(chart, work)
  const { values, digest } = await composeValues(spec, chart, deps, signal)
  memoryOf(deps).failures.delete(`${spec.namespace}/${spec.name}`)
  work.wanted = { chart, values, digest }
}

/** Whatever is wrong besides. Said where it is news only: what follows in this run enters a phase of its own, with the same write. */
function sayFetched({ name, version }: PreparedChart, { status }: Work): void {
  const fetched = status.current().conditions?.find(({ type }) => type === 'ChartFetched')
  if (fetched?.status !== 'True') status.enter('ChartFetched', `Fetched chart ${name} ${version}`)
}
