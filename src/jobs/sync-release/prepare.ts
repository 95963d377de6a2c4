import { prepareChart } from './chart.ts'
import { composeValues } from './compose-values.ts'
import type { SyncReleaseDeps } from './deps.ts'
import { memoryOf } from './memory.ts'
import type { Work } from './work.ts'

/**
 * Brings the chart to disk and composes the values. Throws ChartNotFound, ChartAuthFailed, RenderFailed, GitUnreachable, GitAuthFailed,
 * GitRefNotFound, PathNotFound, InvalidValues.
 */
export async function prepare(work: Work, deps: SyncReleaseDeps): Promise<void> {
  const { spec, signal } = work
  const chart = await prepareChart(spec, deps, signal)
  const { values, digest } = await composeValues(spec, chart, deps, signal)
  memoryOf(deps).failures.delete(`${spec.namespace}/${spec.name}`)
  work.wanted = { chart, values, digest }
}
