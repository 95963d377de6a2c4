import { AppError } from '../../domain/error.ts'
import { isExactVersion, pickChartVersion } from '../../domain/release/chart-version.ts'
import type { Egress } from '../../lib/egress.ts'
import { createChartCache } from './chart-cache.ts'
import { type Chart, completeDependencies, readChartFile } from './chart-tree.ts'
import { hasPostHooks } from './post-hooks.ts'
import { createRepositories, hidden, type RepositoryChart } from './repositories.ts'

export type { Chart } from './chart-tree.ts'

/** How a chart of a git repository comes to disk. */
export type FolderChart = {
  /** Writes the chart into a folder that does not exist yet. */
  fill: (folder: string) => Promise<void>
  /** Writes what a `file://` dependency names, relative to the chart. Left out: dependencies are not completed. */
  neighbour?: (path: string, folder: string) => Promise<void>
}

export type Charts = {
  /** A chart of a Helm repository by http(s); the newest version in a range. Throws ChartNotFound, ChartAuthFailed, RenderFailed. */
  fromRepository(source: RepositoryChart, signal: AbortSignal): Promise<Chart>
  /** A chart from git; kept by `key`, so that it is made once. Throws what `source` throws, and as above. */
  fromFolder(key: string, source: FolderChart, signal: AbortSignal): Promise<Chart>
  /** A text file of the chart; undefined when it is not there or lies outside. */
  readFile(chart: Chart, path: string): Promise<string | undefined>
  /** True when helm itself must wait for readiness, because hooks come after it (W6). */
  hasPostHooks(chart: Chart): Promise<boolean>
}

/** Charts by source, below one folder that may be deleted at any time. Each is fetched once for all releases that use it. */
export function createCharts(options: { directory: string; egress: Egress; now: () => number }): Charts {
  const cache = createChartCache(options)
  const repositories = createRepositories(options)

  async function fromRepository(source: RepositoryChart, signal: AbortSignal): Promise<Chart> {
    const exact = isExactVersion(source.version) ? `${source.url} ${source.name} ${source.version}` : undefined
    const here = exact && (await cache.recall(exact))
    if (here) return here
    const entries = await repositories.entries(source, signal)
    const versions = entries.map((entry) => entry.version)
    const version = pickChartVersion(versions, source.version)
    const entry = entries.find((one) => one.version === version)
    if (!entry) throw notFound(source, entries.length > 0)
    const key = `${source.url} ${source.name} ${entry.version} ${entry.digest}`
    const chart = await cache.once(key, (folder) => repositories.download(source, entry, folder), signal)
    if (exact) cache.alias(exact, chart)
    return chart
  }

  async function fillFolder({ fill, neighbour }: FolderChart, folder: string): Promise<void> {
    await fill(folder)
    if (!neighbour) return
    // shared by all who wait for this chart, so nobody's signal counts; each request has a time limit
    const unending = new AbortController().signal
    await completeDependencies(folder, { neighbour, repository: (source) => fromRepository(source, unending) })
  }

  return {
    fromRepository,
    fromFolder: (key, source, signal) => cache.once(key, (folder) => fillFolder(source, folder), signal),
    readFile: (chart, path) => readChartFile(chart.path, path),
    hasPostHooks: (chart) => hasPostHooks(chart.path),
  }
}

function notFound({ url, name, version }: RepositoryChart, hasChart: boolean): AppError {
  const what = hasChart ? `chart ${name} has no version ${version}` : `there is no chart ${name}`
  return new AppError('ChartNotFound', `${what} in ${hidden(url)}`)
}
