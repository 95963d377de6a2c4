import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { extract } from 'tar'
import { parse } from 'yaml'
import { AppError } from '../../domain/error.ts'
import { isExactVersion } from '../../domain/release/chart-version.ts'
import type { Egress } from '../../lib/egress.ts'
import type { HelmOutcome } from './helm.ts'
import { createRepositories } from './repositories.ts'

/** A chart on disk, checked and complete. */
export type Chart = {
  /** Folder with Chart.yaml. */
  path: string
  name: string
  version: string
  /** Of every file of the tree: name and content. */
  digest: string
}

export type Charts = {
  /** A chart of a Helm repository by http(s); the newest version in a range. ChartNotFound, ChartAuthFailed, RenderFailed. */
  fromRepository(source: { url: string; name: string; version: string }, signal: AbortSignal): Promise<Chart>
  /** A chart that `fill` writes into an empty folder; kept by `key`, so that it is filled once. */
  fromFolder(key: string, fill: (folder: string) => Promise<void>): Promise<Chart>
  /** Runs `update` when Chart.yaml declares dependencies that are not in charts/; undefined when there was nothing to do. */
  completeDependencies(folder: string, update: () => Promise<HelmOutcome>): Promise<HelmOutcome | undefined>
  /** A text file of the chart; undefined when it is not there or lies outside. */
  readFile(chart: Chart, path: string): Promise<string | undefined>
}

export type ChartsOptions = { directory: string; egress: Egress; now: () => number }

/** Hazards I2 and I4: what an index and an archive may hold. */
const maxFiles = 10_000
const maxTreeBytes = 50 * 1024 * 1024

/** Charts by source, below one folder that may be deleted at any time. Each is fetched once for all releases that use it. */
export function createCharts({ directory, egress, now }: ChartsOptions): Charts {
  const repositories = createRepositories({ egress, now })
  const loading = new Map<string, Promise<Chart>>()
  const known = new Map<string, Chart>()

  /** One load at a time per key; a finished one is remembered as long as its folder is there. */
  async function once(key: string, load: (folder: string) => Promise<Chart>): Promise<Chart> {
    const folder = join(directory, createHash('sha256').update(key).digest('hex').slice(0, 32))
    const seen = known.get(key)
    if (seen && (await exists(seen.path))) return seen
    const running = loading.get(key)
    if (running) return await running
    const started = load(folder)
    loading.set(key, started)
    try {
      const chart = await started
      known.set(key, chart)
      return chart
    } finally {
      loading.delete(key)
    }
  }

  async function keep(folder: string, fill: (folder: string) => Promise<void>): Promise<Chart> {
    if (!(await exists(join(folder, 'Chart.yaml')))) {
      const temporary = `${folder}.${randomUUID()}`
      await mkdir(temporary, { recursive: true, mode: 0o700 })
      try {
        await fill(temporary)
        await rm(folder, { recursive: true, force: true })
        await rename(temporary, folder)
      } finally {
        await rm(temporary, { recursive: true, force: true })
      }
    }
    await utimes(folder, new Date(now()), new Date(now()))
    return await describe(folder)
  }

  return {
    async fromRepository(source, signal) {
      const exact = isExactVersion(source.version) ? `${source.url} ${source.name} ${source.version}` : undefined
      const here = exact ? known.get(exact) : undefined
      if (here && (await exists(here.path))) return here
      const entry = await repositories.find(source, signal)
      const chart = await once(`${source.url} ${source.name} ${entry.version} ${entry.digest}`, (folder) =>
        keep(folder, async (temporary) => await unpack(await repositories.download(source, entry, signal), temporary)),
      )
      if (exact) known.set(exact, chart)
      return chart
    },
    fromFolder: (key, fill) => once(key, (folder) => keep(folder, fill)),
    completeDependencies,
    async readFile(chart, path) {
      const file = resolve(chart.path, path)
      if (!file.startsWith(`${chart.path}/`)) return undefined
      return await readFile(file, 'utf8').catch(() => undefined)
    },
  }
}

async function completeDependencies(
  folder: string,
  update: () => Promise<HelmOutcome>,
): Promise<HelmOutcome | undefined> {
  const text = await readFile(join(folder, 'Chart.yaml'), 'utf8').catch(() => '')
  const { dependencies = [] } = (parse(text, { prettyErrors: false }) ?? {}) as { dependencies?: { name?: string }[] }
  if (!Array.isArray(dependencies) || dependencies.length === 0) return undefined
  const present = await readdir(join(folder, 'charts')).catch(() => [])
  const missing = dependencies.filter(
    ({ name = '' }) => !present.some((one) => one === name || one.startsWith(`${name}-`)),
  )
  return missing.length > 0 ? await update() : undefined
}

/** Only plain files and folders, below the one top folder of the archive, within the limits; links are refused (hazards I1, I2). */
async function unpack(archive: Uint8Array, folder: string): Promise<void> {
  const file = join(folder, '.archive.tgz')
  await writeFile(file, archive)
  let files = 0
  let bytes = 0
  let refused = ''
  await extract({
    file,
    cwd: folder,
    strip: 1,
    preserveOwner: false,
    filter(path, entry) {
      const type = 'type' in entry ? entry.type : 'File'
      files += 1
      bytes += entry.size ?? 0
      if (path.split('/').includes('..') || path.startsWith('/')) refused ||= `${path} leads out of the archive`
      else if (type !== 'File' && type !== 'OldFile' && type !== 'Directory') refused ||= `${path} is a ${String(type)}`
      else if (files > maxFiles || bytes > maxTreeBytes) refused ||= 'it is larger than is allowed'
      return refused === ''
    },
  })
  await rm(file)
  if (refused) throw new AppError('ChartNotFound', `the chart archive was refused: ${refused}`, { retry: 'never' })
}

async function describe(folder: string): Promise<Chart> {
  const text = await readFile(join(folder, 'Chart.yaml'), 'utf8').catch(() => undefined)
  if (text === undefined)
    throw new AppError('ChartNotFound', 'there is no Chart.yaml at the place where the chart should be')
  const { name, version } = (parse(text, { prettyErrors: false }) ?? {}) as { name?: string; version?: string }
  if (!name || !version) throw new AppError('RenderFailed', 'Chart.yaml has no name or no version')
  return { path: folder, name, version, digest: await digestTree(folder) }
}

/** Every file counts: templates, values, files, subcharts, CRDs (helm-operator complaints 4 and 5). */
async function digestTree(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
  const hash = createHash('sha256')
  for (const path of paths) {
    const content = await readFile(path)
    hash.update(`${path.slice(folder.length)}\0${content.length}\0`).update(content)
  }
  return hash.digest('hex').slice(0, 40)
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  )
}
