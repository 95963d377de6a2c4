import { createHash } from 'node:crypto'
import { readdir, readFile, realpath } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { parse } from 'yaml'
import { AppError } from '../../domain/error.ts'

/** A chart on disk, checked and complete. */
export type Chart = {
  /** Folder with Chart.yaml. */
  path: string
  name: string
  version: string
  /** Of the application, as Chart.yaml says; empty where it does not. */
  appVersion: string
  /** Of every file of the tree: name and content. */
  digest: string
}

/** Reads what a folder holds. Throws ChartNotFound when there is no Chart.yaml, RenderFailed when it does not name a chart. */
export async function readChart(folder: string): Promise<Chart> {
  const { name, version, appVersion } = await readYaml(join(folder, 'Chart.yaml'))
  if ((typeof name !== 'string' && typeof name !== 'number') || name === '')
    throw new AppError('RenderFailed', 'Chart.yaml has no name')
  if ((typeof version !== 'string' && typeof version !== 'number') || version === '')
    throw new AppError('RenderFailed', 'Chart.yaml has no version')
  return {
    path: folder,
    name: String(name),
    version: String(version),
    appVersion: typeof appVersion === 'string' || typeof appVersion === 'number' ? String(appVersion) : '',
    digest: await digestTree(folder),
  }
}

/** Every file counts: templates, values, files, subcharts, CRDs (helm-operator complaints 4 and 5). */
async function digestTree(folder: string): Promise<string> {
  const hash = createHash('sha256')
  for (const path of await listChartFiles(folder)) {
    const content = await readFile(join(folder, path))
    hash.update(`/${path}\0${content.length}\0`).update(content)
  }
  return hash.digest('hex').slice(0, 40)
}

/** All files below, in order, each relative to the folder. */
export async function listChartFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .toSorted()
}

/** A text file of the chart, whose folder `/` stands for; undefined when it is not there or lies outside, also by a link (hazard J8). */
export async function readChartFile(folder: string, path: string): Promise<string | undefined> {
  const file = join(folder, path)
  if (!file.startsWith(folder + sep)) return undefined
  try {
    if ((await realpath(file)) !== join(await realpath(folder), file.slice(folder.length))) return undefined
    return await readFile(file, 'utf8')
  } catch {
    return undefined
  }
}

/** A map; `absent`, where given, stands for a file that is not there or cannot be read. Throws ChartNotFound, RenderFailed. */
export async function readYaml(file: string, absent?: Record<string, unknown>): Promise<Record<string, unknown>> {
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
