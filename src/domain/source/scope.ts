import { AppError } from '../error.ts'
import type { Problem } from '../manifest/problem.ts'
import { type IncludeRules, makeIncludeTest } from './include.ts'
import { createTree, type TreeEntry, type TreeLookup } from './tree.ts'

const maxFileBytes = 5 * 1024 * 1024

/** What of a tree a source reads; a SourceSpec is one. */
export type ScopeRules = IncludeRules & {
  /** Folders or files; empty means the root. */
  paths: readonly string[]
  /** Bytes of all files together; no limit without it. */
  maxBytes?: number
}

export type Scope<T extends TreeEntry> = {
  /** The files to read, sorted by path, each once. A link stands under its own path with the blob that it leads to. */
  files: T[]
  /** What is there and could not be read: links that lead out or nowhere, a path that is a submodule (W18), too many bytes. */
  problems: Problem[]
  /** Submodules below the paths: nothing in them is read, as fluxd saw empty folders there. */
  warnings: Problem[]
  /** Files that look as if they were meant: `.YML`, `.json`, `.yaml~`. Not read, as by fluxd. */
  nearMisses: string[]
}

/**
 * The files of a tree that belong to a sync (flux-v1 §3): names ending in exactly `.yaml` or `.yml` below the given folders (or
 * the files given), hidden ones too, charts left out wherever they are, and what `include` and `exclude` leave. The tree must be
 * whole, not only the paths: a chart's folder and a link's target may be elsewhere. Paths that overlap read a file once (fluxd
 * reported each object twice). With more bytes than `maxBytes` no file is read and a problem says so.
 * Throws PathNotFound that names every path that is missing.
 */
export function filesInScope<T extends TreeEntry>(entries: readonly T[], rules: ScopeRules): Scope<T> {
  const tree = createTree(entries)
  const roots = findRoots(tree, rules.paths)
  const isIncluded = makeIncludeTest(rules)
  const charts = chartFolders(entries)
  const scope: Scope<T> = { files: [], problems: [], warnings: [], nearMisses: [] }
  const taken = new Set<string>()
  const links: T[] = []
  for (const entry of entries) {
    if (!roots.some((root) => isBelow(entry.path, root)) || isInChart(entry.path, charts)) continue
    if (!isIncluded(entry.path)) continue
    if (entry.mode === 'submodule') {
      const found = unreadable(entry, 'a submodule: nothing in it is read')
      if (roots.includes(entry.path)) scope.problems.push(found)
      else scope.warnings.push(found)
    } else if (entry.mode === 'symlink') links.push(entry)
    else if (isManifest(entry.path)) {
      taken.add(entry.path)
      take(entry, scope)
    } else if (isNearMiss(entry.path)) scope.nearMisses.push(entry.path)
  }
  for (const link of links) if (isManifest(link.path)) followLink(link, tree, taken, scope)
  scope.files.sort((a, b) => (a.path < b.path ? -1 : 1))
  return withinLimit(scope, rules.maxBytes ?? Number.POSITIVE_INFINITY)
}

/** All or nothing: half of a repository would be a state that nobody wanted (ruling 15). */
function withinLimit<T extends TreeEntry>(scope: Scope<T>, maxBytes: number): Scope<T> {
  const bytes = scope.files.reduce((sum, { size }) => sum + (size ?? 0), 0)
  if (bytes <= maxBytes) return scope
  const message = `the files to read have ${inMegabytes(bytes)} MB together; at most ${inMegabytes(maxBytes)} MB are read (--max-source-size)`
  const problem: Problem = { reason: 'SourceTooLarge', file: '', line: 0, message }
  return { ...scope, files: [], problems: [...scope.problems, problem] }
}

function inMegabytes(bytes: number): number {
  return Math.ceil(bytes / 1_000_000)
}

/** Refused by its size, before anybody reads it (hazard G3). */
function take<T extends TreeEntry>(entry: T, scope: Scope<T>): void {
  if ((entry.size ?? 0) <= maxFileBytes) scope.files.push(entry)
  else
    scope.problems.push({ reason: 'InvalidYAML', file: entry.path, line: 0, message: 'the file is larger than 5 MB' })
}

/** Reads a link's target instead, unless it is read anyway. */
function followLink<T extends TreeEntry>(link: T, tree: TreeLookup<T>, taken: Set<string>, scope: Scope<T>): void {
  const target = tree.resolve(link.path)
  const entry = target === undefined ? undefined : tree.get(target)
  if (!entry || entry.mode === 'submodule') {
    scope.problems.push(unreadable(link, 'a symbolic link that does not lead to a file inside the repository'))
  } else if (!taken.has(entry.path)) {
    taken.add(entry.path)
    take({ ...link, blob: entry.blob, mode: 'file', ...(entry.size === undefined ? {} : { size: entry.size }) }, scope)
  }
}

function findRoots<T extends TreeEntry>(tree: TreeLookup<T>, paths: readonly string[]): string[] {
  if (paths.length === 0) return ['']
  const roots: string[] = []
  const missing: string[] = []
  for (const path of paths) {
    const root = tree.resolve(path)
    if (root === undefined || (!tree.get(root) && !tree.isFolder(root))) missing.push(path)
    else roots.push(root)
  }
  if (missing.length === 0) return roots
  const names = missing.map((path) => `'${path}'`).join(', ')
  throw new AppError(
    'PathNotFound',
    `${names} ${missing.length > 1 ? 'do' : 'does'} not exist in the repository at this revision`,
  )
}

/** Folders that hold both Chart.yaml and values.yaml. */
function chartFolders(entries: readonly TreeEntry[]): Set<string> {
  const withChart = new Set(foldersWith(entries, 'Chart.yaml'))
  return new Set(foldersWith(entries, 'values.yaml').filter((folder) => withChart.has(folder)))
}

function foldersWith(entries: readonly TreeEntry[], name: string): string[] {
  return entries.filter(({ path }) => path === name || path.endsWith(`/${name}`)).map(({ path }) => folderOf(path))
}

function isInChart(path: string, charts: ReadonlySet<string>): boolean {
  if (charts.size === 0) return false
  for (let folder = folderOf(path); ; folder = folderOf(folder)) {
    if (charts.has(folder)) return true
    if (folder === '') return false
  }
}

function folderOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash < 0 ? '' : path.slice(0, slash)
}

function isBelow(path: string, root: string): boolean {
  return root === '' || path === root || path.startsWith(`${root}/`)
}

function isManifest(path: string): boolean {
  return path.endsWith('.yaml') || path.endsWith('.yml')
}

function isNearMiss(path: string): boolean {
  return /\.(?:ya?ml|json)(?:~|\.(?:bak|orig|old))?$/i.test(path)
}

function unreadable({ path }: TreeEntry, what: string): Problem {
  return { reason: 'PathNotFound', file: path, line: 0, message: `${path} is ${what}` }
}
