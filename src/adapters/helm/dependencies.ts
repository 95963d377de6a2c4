import { cp, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError, toAppError } from '../../domain/error.ts'
import { isExactVersion, pickChartVersion } from '../../domain/release/chart-version.ts'
import type { Reason } from '../../domain/status/reason.ts'
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
 * Puts into `charts/` what Chart.yaml declares, as `helm dependency update` does, but through our own door to the outside. What stands
 * beside the chart is taken as it is there. For repositories Chart.lock decides where it fits, so that every process takes the same
 * version; without one the newest in a range counts. What is in `charts/` already stays where it is the one version that can be meant,
 * and where what it stands for cannot be had. Throws ChartNotFound.
 */
export async function completeDependencies(folder: string, sources: DependencySources): Promise<void> {
  const declared = await readDependencies(folder)
  if (declared.length === 0) return
  const present = await presentCharts(folder)
  const locked = await readLock(folder)
  const kept: Present[] = []
  for (const wanted of declared) {
    if (kept.some((one) => isFor(one, wanted))) continue
    const lock = isNeighbour(wanted) ? undefined : locked.find((one) => isLockOf(one, wanted))
    kept.push(await choose({ ...wanted, ...(lock ? { version: lock.version } : {}) }, { present, folder, sources }))
  }
  // helm would render both what is left over and the right one
  for (const one of present)
    if (!kept.includes(one) && declared.some(({ name }) => name === one.name))
      await rm(one.path, { recursive: true, force: true })
}

type Here = { present: readonly Present[]; folder: string; sources: DependencySources }

async function choose(wanted: Dependency, { present, folder, sources }: Here): Promise<Present> {
  const vendored = present.find((one) => isFor(one, wanted))
  if (!vendored) return await bring(wanted, folder, sources)
  const isOnly = !isNeighbour(wanted) && isExactVersion(wanted.version)
  if (wanted.repository === '' || isOnly) return vendored
  try {
    return await bring(wanted, folder, sources)
  } catch (error) {
    if (cannotBeHad(wanted).includes(toAppError(error).reason)) return vendored
    throw error
  }
}

/** A chart beside it that is another one than is declared is a mistake; what a repository says may be its own trouble. */
function cannotBeHad(wanted: Dependency): readonly Reason[] {
  return isNeighbour(wanted) ? ['PathNotFound'] : ['ChartNotFound', 'ChartAuthFailed', 'RateLimited']
}

function isNeighbour({ repository }: Dependency): boolean {
  return repository.startsWith('file://')
}

async function bring(dependency: Dependency, folder: string, sources: DependencySources): Promise<Present> {
  const { name, version, repository } = dependency
  if (repository === '')
    throw new AppError('ChartNotFound', `dependency ${name} has no repository and is not in charts/`)
  const path = await freePath(join(folder, 'charts'), name)
  if (!isNeighbour(dependency)) {
    const chart = await sources.repository(dependency)
    await cp(chart.path, path, { recursive: true, errorOnExist: true, force: false })
    return { name: chart.name, version: chart.version, path }
  }
  const chart = await copyNeighbour(repository.slice('file://'.length), path, sources)
  const found = { name: chart.name, version: chart.version, path }
  if (isFor(found, dependency)) return found
  const message = `dependency ${name} ${version}: ${repository} holds ${chart.name} ${chart.version}`
  throw new AppError('ChartNotFound', message)
}

async function copyNeighbour(place: string, path: string, sources: DependencySources): Promise<Chart> {
  try {
    await sources.neighbour(place, path)
  } catch (error) {
    await rm(path, { recursive: true, force: true })
    throw error
  }
  return await readChart(path)
}

/** Where nothing is yet; the directory is made. */
async function freePath(directory: string, name: string): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const taken = new Set(await readdir(directory))
  let free = name
  for (let count = 1; taken.has(free); count++) free = `${name}-${count}`
  return join(directory, free)
}

/** What a chart declares. Throws as {@link readYaml}. */
export async function readDependencies(folder: string): Promise<Dependency[]> {
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
export async function presentCharts(folder: string): Promise<Present[]> {
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
