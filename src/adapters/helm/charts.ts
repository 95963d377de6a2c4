import { AppError } from '../../domain/error.ts'
import { aliasOf, type ChartAccess } from '../../domain/release/chart-access.ts'
import { isExactVersion, pickChartVersion, splitChartVersion } from '../../domain/release/chart-version.ts'
import type { Egress } from '../../lib/egress.ts'
import { leaveOutAbsent } from './absent-dependencies.ts'
import { createChartCache, type Fill, hashOf } from './chart-cache.ts'
import type { ChartPlugins } from './chart-plugins.ts'
import type { IndexEntry } from './chart-index.ts'
import { type Chart, listChartFiles, readChartFile } from './chart-tree.ts'
import { completeDependencies, type Dependency } from './dependencies.ts'
import { type ChartRegistry, createOciRepositories, type RegistryLogins } from './oci.ts'
import { hasPostHooks } from './post-hooks.ts'
import { createRepositories, hidden, type RepositoryChart } from './repositories.ts'

export type { Chart } from './chart-tree.ts'

/** A chart of a repository: `https://`, `http://`, `oci://`, or a scheme of the operator's plugins. */
export type ChartRequest = {
  url: string
  name: string
  /** One version, a range, or for `oci://` one with `@sha256:<hex>`, or that alone. */
  version: string
  /** From the release's own Secret; the operator's for this URL, if any, when left out. */
  access?: ChartAccess
}

/** How a chart of a git repository comes to disk. */
export type FolderChart = {
  /** Writes the chart into an empty folder. */
  fill: (folder: string) => Promise<void>
  /**
   * Writes what a `file://` dependency names, relative to the chart. Left out: dependencies are not completed, and what is declared but
   * absent is not deployed.
   */
  neighbour?: (path: string, folder: string) => Promise<void>
  /** How to reach the repository of a dependency; the operator's way when it gives none. */
  access?: (url: string) => Promise<ChartAccess | undefined>
}

export type Charts = {
  /**
   * A chart of a repository; the newest version in a range. Throws ChartNotFound, ChartAuthFailed, RenderFailed, RateLimited. What was
   * fetched with one access is never given to another.
   */
  fromRepository(request: ChartRequest, signal: AbortSignal): Promise<Chart>
  /** A chart from git; kept by `key`, so that it is made once. Throws what `source` throws, and as above. */
  fromFolder(key: string, source: FolderChart, signal: AbortSignal): Promise<Chart>
  /** A text file of the chart; undefined when it is not there or lies outside. */
  readFile(chart: Chart, path: string): Promise<string | undefined>
  /** The paths of all its files, subcharts too. */
  listFiles(chart: Chart): Promise<string[]>
  /** True when helm itself must wait for readiness, because hooks come after it (W6). */
  hasPostHooks(chart: Chart): Promise<boolean>
}

/** What the operator knows of repositories (`--helm-repository-import`). */
export type KnownRepositories = {
  /** How to reach one; undefined when it is not known. Throws ChartAuthFailed when its files cannot be read. */
  access(url: string): Promise<ChartAccess | undefined>
  /** The URL of the one with this name. */
  named(name: string): Promise<string | undefined>
}

export type ChartsOptions = {
  /** May be deleted at any time. */
  directory: string
  egress: Egress
  registry: ChartRegistry
  /** Registries without TLS, or with certificates that nobody can check. */
  insecureHosts: readonly string[]
  known: KnownRepositories
  /** For registries that neither a release nor `known` has a login for. Left out: none. */
  logins?: RegistryLogins
  /** What fetches URLs of other schemes. Left out: they are refused. */
  plugins?: ChartPlugins
  now: () => number
}

/** Charts by source, below one folder that may be deleted at any time. Each is fetched once for all releases that use it. */
export function createCharts(options: ChartsOptions): Charts {
  const { known } = options
  const cache = createChartCache(options)
  const repositories = createRepositories(options)
  const oci = createOciRepositories(options)

  async function fromRepository(request: ChartRequest, signal: AbortSignal): Promise<Chart> {
    await mustBeKnownScheme(request.url, options.plugins)
    const access = request.access ?? (await known.access(request.url))
    const source = { ...request, access, accessKey: access ? hashOf(JSON.stringify(access)) : '' }
    const exact = isFixed(source.version) ? `${keyOf(source)} ${source.version}` : undefined
    const here = exact && (await cache.recall(exact))
    if (here) return here
    const chart = await (isOci(source.url) ? fromRegistry(source, signal) : fromIndex(source, signal))
    if (exact) cache.alias(exact, chart)
    return chart
  }

  async function fromRegistry(source: RepositoryChart, signal: AbortSignal): Promise<Chart> {
    const found = await oci.find(source, signal)
    // what a digest names is the same for all, and `find` has just shown that this access may have it
    const key = `oci://${found.repository}@${found.digest}`
    const chart = await cache.once(
      key,
      whole((folder) => oci.download(found, folder)),
      signal,
    )
    const { version, digest } = splitChartVersion(source.version)
    if (digest === undefined || version === '' || pickChartVersion([chart.version], version)) return chart
    const message = `${key} is version ${chart.version} of the chart, which is not ${version}`
    throw new AppError('ChartNotFound', message, { retry: 'never' })
  }

  async function fromIndex(source: RepositoryChart, signal: AbortSignal): Promise<Chart> {
    const entry = pickEntry(source, await repositories.entries(source, signal))
    const key = `${keyOf(source)} ${entry.version} ${entry.digest}`
    return await cache.once(
      key,
      whole((folder) => repositories.download(source, entry, folder)),
      signal,
    )
  }

  async function fillFolder({ fill, neighbour, access }: FolderChart, folder: string): Promise<void> {
    if (!neighbour) return await whole(fill)(folder)
    await fill(folder)
    // shared by all who wait for this chart, so nobody's signal counts; each request has a time limit
    const unending = new AbortController().signal
    const repository = async ({ name, version, repository: place }: Dependency) => {
      const url = await resolveAlias(place, known)
      const own = await access?.(url)
      return await fromRepository({ url, name, version, ...(own ? { access: own } : {}) }, unending)
    }
    await completeDependencies(folder, { neighbour, repository })
  }

  return {
    fromRepository,
    fromFolder: (key, source, signal) => cache.once(key, (folder) => fillFolder(source, folder), signal),
    readFile: (chart, path) => readChartFile(chart.path, path),
    listFiles: (chart) => listChartFiles(chart.path),
    hasPostHooks: (chart) => hasPostHooks(chart.path),
  }
}

/** What was put there is a chart that helm takes. */
function whole(fill: Fill): Fill {
  return async (folder) => {
    await fill(folder)
    await leaveOutAbsent(folder)
  }
}

function keyOf({ url, name, accessKey }: RepositoryChart): string {
  return `${url} ${name} ${accessKey}`
}

/** Only one content can ever be meant. */
function isFixed(version: string): boolean {
  return isExactVersion(version) || splitChartVersion(version).digest !== undefined
}

function isOci(url: string): boolean {
  return /^oci:\/\//i.test(url)
}

/** Two archives of the same version are a mistake or an attack: nobody could say which one runs (hazard I4). */
function pickEntry(source: RepositoryChart, entries: readonly IndexEntry[]): IndexEntry {
  const { url, name, version } = source
  const picked = pickChartVersion(
    entries.map((entry) => entry.version),
    version,
  )
  const [entry, ...others] = entries.filter((one) => one.version === picked)
  if (!entry) {
    const what = entries.length > 0 ? `chart ${name} has no version ${version}` : `there is no chart ${name}`
    throw new AppError('ChartNotFound', `${what} in ${hidden(url)}`)
  }
  if (others.every(({ digest }) => digest === entry.digest)) return entry
  const message = `chart ${name} has two different archives of version ${entry.version} in ${hidden(url)}`
  throw new AppError('ChartNotFound', message)
}

async function resolveAlias(repository: string, known: KnownRepositories): Promise<string> {
  const name = aliasOf(repository)
  if (name === undefined) return repository
  const url = await known.named(name)
  if (url !== undefined) return url
  const message = `the repository ${repository} of a dependency is not known: give its URL in Chart.yaml, or import a repositories.yaml that has it (--helm-repository-import)`
  throw new AppError('ChartNotFound', message)
}

/** A downloader plugin of helm is a program that a URL names: none is run but those that the operator installed (hazard I6, ruling 15). */
async function mustBeKnownScheme(url: string, plugins: ChartPlugins | undefined): Promise<void> {
  const [, scheme = ''] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url) ?? []
  const isValid = scheme !== '' && URL.canParse(url)
  if (isValid && (/^(?:https?|oci)$/i.test(scheme) || (await plugins?.handles(scheme.toLowerCase())))) return
  const why = isValid
    ? `${scheme}:// needs a downloader plugin of helm, and ${plugins ? 'no plugin of --helm-plugins-dir has it' : 'no plugins are run without --helm-plugins-dir'}`
    : `the URL of the chart repository is not valid`
  const message = `${why}: install one, serve the charts over https://, or push them to a registry and name it as oci://`
  throw new AppError('ChartNotFound', message, { retry: 'never' })
}
