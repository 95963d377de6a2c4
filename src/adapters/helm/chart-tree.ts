import { createHash } from 'node:crypto'
import { cp, mkdir, readdir, readFile, realpath } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'
import { parse } from 'yaml'
import { AppError } from '../../domain/error.ts'

/** A chart on disk, checked and complete. */
export type Chart = {
  /** Folder with Chart.yaml. */
  path: string
  name: string
  version: string
  /** Of every file of the tree: name and content. */
  digest: string
}

/** A chart that another one needs, as its Chart.yaml (or requirements.yaml) says. */
export type Dependency = { name: string; version: string; repository: string }

/** Reads what a folder holds. Throws ChartNotFound when there is no Chart.yaml, RenderFailed when it does not name a chart. */
export async function readChart(folder: string): Promise<Chart> {
  const { name, version } = await readYaml(join(folder, 'Chart.yaml'))
  if ((typeof name !== 'string' && typeof name !== 'number') || name === '')
    throw new AppError('RenderFailed', 'Chart.yaml has no name')
  if ((typeof version !== 'string' && typeof version !== 'number') || version === '')
    throw new AppError('RenderFailed', 'Chart.yaml has no version')
  return { path: folder, name: String(name), version: String(version), digest: await digestTree(folder) }
}

/** Every file counts: templates, values, files, subcharts, CRDs (helm-operator complaints 4 and 5). */
async function digestTree(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
  const hash = createHash('sha256')
  for (const path of paths) {
    const content = await readFile(path)
    hash.update(`${path.slice(folder.length)}\0${content.length}\0`).update(content)
  }
  return hash.digest('hex').slice(0, 40)
}

/** A text file of the chart; undefined when it is not there or lies outside, also by a link (hazard J8). */
export async function readChartFile(folder: string, path: string): Promise<string | undefined> {
  const file = resolve(folder, path)
  if (!file.startsWith(folder + sep)) return undefined
  try {
    if ((await realpath(file)) !== join(await realpath(folder), file.slice(folder.length))) return undefined
    return await readFile(file, 'utf8')
  } catch {
    return undefined
  }
}

/** Where to get a dependency from: a chart of a repository, or a folder of the same git repository (`file://` path). */
export type DependencySources = {
  repository(source: { url: string; name: string; version: string }): Promise<Chart>
  neighbour(path: string, folder: string): Promise<void>
}

/**
 * Puts into `charts/` what Chart.yaml declares and is not there, as `helm dependency update` does, but through our own door to the
 * outside. Chart.lock decides where it fits, so that every process takes the same version. Throws ChartNotFound.
 */
export async function completeDependencies(folder: string, sources: DependencySources): Promise<void> {
  const declared = await readDependencies(folder)
  if (declared.length === 0) return
  const present = new Set(await presentCharts(folder))
  const locked = await readLock(folder)
  for (const dependency of declared) {
    if (present.has(dependency.name)) continue
    const version = locked.find((one) => isSame(one, dependency))?.version ?? dependency.version
    await bring({ ...dependency, version }, folder, sources)
  }
}

async function bring(
  { name, version, repository }: Dependency,
  folder: string,
  sources: DependencySources,
): Promise<void> {
  const into = join(folder, 'charts', name)
  await mkdir(join(folder, 'charts'), { recursive: true, mode: 0o700 })
  if (repository.startsWith('file://')) return await sources.neighbour(repository.slice('file://'.length), into)
  if (!/^https?:\/\//i.test(repository)) {
    const message = `dependency ${name}: only http(s):// and file:// repositories are supported; put it into charts/ in git`
    throw new AppError('ChartNotFound', message)
  }
  const chart = await sources.repository({ url: repository, name, version })
  await cp(chart.path, into, { recursive: true, errorOnExist: true, force: false })
}

async function readDependencies(folder: string): Promise<Dependency[]> {
  const fromChart = listOf((await readYaml(join(folder, 'Chart.yaml'))).dependencies)
  if (fromChart.length > 0) return fromChart
  return listOf((await readYaml(join(folder, 'requirements.yaml'), {})).dependencies)
}

async function readLock(folder: string): Promise<Dependency[]> {
  const lock = await readYaml(join(folder, 'Chart.lock'), {})
  const old = await readYaml(join(folder, 'requirements.lock'), {})
  return [...listOf(lock.dependencies), ...listOf(old.dependencies)]
}

function isSame(locked: Dependency, wanted: Dependency): boolean {
  return locked.name === wanted.name && locked.repository === wanted.repository && locked.version !== ''
}

function listOf(value: unknown): Dependency[] {
  if (!Array.isArray(value)) return []
  return value.flatMap((entry: unknown) => {
    const { name, version = '', repository = '' } = (entry ?? {}) as Partial<Record<keyof Dependency, unknown>>
    if (typeof name !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) return []
    return [{ name, version: String(version), repository: String(repository) }]
  })
}

/** Names of the charts in charts/: folders by their Chart.yaml, archives by their file name. */
async function presentCharts(folder: string): Promise<string[]> {
  const entries = await readdir(join(folder, 'charts'), { withFileTypes: true }).catch(() => [])
  const names: string[] = []
  for (const entry of entries) {
    const archive = /^(.+)-v?\d+\.\d+\.\d+.*\.tgz$/.exec(entry.name)?.[1]
    if (entry.isFile() && archive) names.push(archive)
    if (!entry.isDirectory()) continue
    const { name } = await readYaml(join(folder, 'charts', entry.name, 'Chart.yaml'), {})
    if (typeof name === 'string') names.push(name)
  }
  return names
}

async function readYaml(file: string, absent?: Record<string, unknown>): Promise<Record<string, unknown>> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (absent) return absent
    throw new AppError('ChartNotFound', 'there is no Chart.yaml at the place where the chart should be', {
      cause: error,
    })
  }
  try {
    const value: unknown = parse(text, { prettyErrors: false, uniqueKeys: false, maxAliasCount: 50 })
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    if (absent) return absent
    throw new AppError('RenderFailed', 'Chart.yaml is not valid YAML')
  }
}
