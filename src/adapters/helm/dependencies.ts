import { cp, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../domain/error.ts'
import { pickChartVersion } from '../../domain/release/chart-version.ts'
import { type Chart, readChart, readYaml } from './chart-tree.ts'

/** A chart that another one needs, as its Chart.yaml (or requirements.yaml) says. */
export type Dependency = { name: string; version: string; repository: string }

/** Where to get a dependency from: a chart of a repository, or a folder of the same git repository (`file://` path). */
export type DependencySources = {
  repository(dependency: Dependency): Promise<Chart>
  neighbour(path: string, folder: string): Promise<void>
}

type Present = { name: string; version: string; path: string }

/**
 * Puts into `charts/` what Chart.yaml declares and is not there in a version that fits, as `helm dependency update` does, but through
 * our own door to the outside. Chart.lock decides where it fits, so that every process takes the same version. Throws ChartNotFound.
 */
export async function completeDependencies(folder: string, sources: DependencySources): Promise<void> {
  const declared = await readDependencies(folder)
  if (declared.length === 0) return
  const present = await presentCharts(folder)
  const locked = await readLock(folder)
  const fits = (one: Present) => declared.some((wanted) => isFor(one, wanted))
  // helm would render both the version that is left over and the right one
  for (const { name, path } of present.filter((one) => !fits(one)))
    if (declared.some((wanted) => wanted.name === name)) await rm(path, { recursive: true, force: true })
  const kept = present.filter(fits)
  for (const wanted of declared) {
    if (kept.some((one) => isFor(one, wanted))) continue
    const version = locked.find((one) => isLockOf(one, wanted))?.version ?? wanted.version
    kept.push(await bring({ ...wanted, version }, folder, sources))
  }
}

async function bring(dependency: Dependency, folder: string, sources: DependencySources): Promise<Present> {
  const { name, version, repository } = dependency
  const isHere = new Set(await readdir(join(folder, 'charts')).catch(() => []))
  const path = join(folder, 'charts', isHere.has(name) ? `${name}-${isHere.size}` : name)
  await mkdir(join(folder, 'charts'), { recursive: true, mode: 0o700 })
  if (repository === '')
    throw new AppError('ChartNotFound', `dependency ${name} has no repository and is not in charts/`)
  if (!repository.startsWith('file://')) {
    const chart = await sources.repository(dependency)
    await cp(chart.path, path, { recursive: true, errorOnExist: true, force: false })
    return { name: chart.name, version: chart.version, path }
  }
  await sources.neighbour(repository.slice('file://'.length), path)
  const chart = await readChart(path)
  const found = { name: chart.name, version: chart.version, path }
  if (isFor(found, dependency)) return found
  const message = `dependency ${name} ${version}: ${repository} holds ${chart.name} ${chart.version}`
  throw new AppError('ChartNotFound', message)
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

/** A lock that Chart.yaml has left behind does not count. */
function isLockOf(locked: Dependency, wanted: Dependency): boolean {
  return locked.repository === wanted.repository && locked.version !== '' && isFor(locked, wanted)
}

function isFor(found: { name: string; version: string }, wanted: Dependency): boolean {
  if (found.name !== wanted.name) return false
  return wanted.version === '' || pickChartVersion([found.version], wanted.version) !== undefined
}

function listOf(value: unknown): Dependency[] {
  if (!Array.isArray(value)) return []
  return value.flatMap((entry: unknown) => {
    const { name, version = '', repository = '' } = (entry ?? {}) as Partial<Record<keyof Dependency, unknown>>
    if (typeof name !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) return []
    return [{ name, version: String(version), repository: String(repository) }]
  })
}

/** The charts in charts/: folders by their Chart.yaml, archives by their file name. */
async function presentCharts(folder: string): Promise<Present[]> {
  const entries = await readdir(join(folder, 'charts'), { withFileTypes: true }).catch(() => [])
  const found: Present[] = []
  for (const entry of entries) {
    const path = join(folder, 'charts', entry.name)
    const [, archive, packed = ''] = /^(.+?)-v?(\d+\.\d+\.\d+.*)\.tgz$/.exec(entry.name) ?? []
    if (entry.isFile() && archive) found.push({ name: archive, version: packed, path })
    if (!entry.isDirectory()) continue
    const { name, version } = await readYaml(join(path, 'Chart.yaml'), {})
    if (typeof name === 'string') found.push({ name, version: String(version), path })
  }
  return found
}
