import type { Problem } from '../manifest/problem.ts'
import { type Reference, type References, readKustomization, readPlugins } from './kustomization-fields.ts'

/** A repository as kustomize would see it. Paths are from its root, without `.` and `..`; the root is the empty path. */
export type KustomizeFiles = {
  kindOf(path: string): 'file' | 'folder' | undefined
  /** The text of a file. */
  read(path: string): string
}

const names = ['kustomization.yaml', 'kustomization.yml', 'Kustomization']
const maxDepth = 32
/** Each base counts as often as it is built: where two levels name one base twice, builds double at each. */
const maxBuilds = 1_000

/** Stops the walk. */
class Refusal extends Error {
  readonly problem: Problem

  constructor(reason: Problem['reason'], file: string, message: string) {
    super(message)
    this.problem = { reason, file, line: 0, message }
  }
}

/** The kustomization of a folder; undefined when there is none. */
export function findKustomization(files: Pick<KustomizeFiles, 'kindOf'>, folder: string): string | undefined {
  return names.map((name) => below(folder, name)).find((path) => files.kindOf(path) === 'file')
}

/** Whether kustomize would take a path for its own file. */
export function isKustomization(path: string): boolean {
  return names.includes(path.slice(path.lastIndexOf('/') + 1))
}

/**
 * Looks through all that building a folder would load, before kustomize sees it: what is not in the repository, what runs programs
 * or helm, circles, more than 32 levels (hazards I6–I8). Gives what is wrong, or undefined. `remote` lets URLs pass unread.
 */
export function refuseKustomization(
  files: KustomizeFiles,
  folder: string,
  { remote }: { remote: boolean },
): Problem | undefined {
  try {
    createWalk(files, remote)(folder, false, [])
    return undefined
  } catch (refusal) {
    if (refusal instanceof Refusal) return refusal.problem
    throw refusal
  }
}

/** How much a kustomization builds: how many in all, and how many levels. */
type Extent = { builds: number; levels: number }

function createWalk(files: KustomizeFiles, remote: boolean) {
  const known = new Map<string, Extent>()

  /** `plugin`: what the folder holds are generators or transformers. */
  return function visit(folder: string, plugin: boolean, above: readonly string[]): Extent {
    const file = findKustomization(files, folder)
    if (file === undefined)
      throw new Refusal('KustomizeFailed', folder || '.', `'${folder || '.'}' holds no ${names.join(', ')}`)
    if (above.includes(folder)) {
      const circle = [...above.slice(above.indexOf(folder)), folder].map((one) => one || '.').join(' → ')
      throw new Refusal('KustomizeFailed', file, `the kustomizations include each other in a circle: ${circle}`)
    }
    const key = `${folder}\n${plugin}`
    const extent = known.get(key) ?? { builds: 1, levels: 1 }
    if (!known.has(key)) {
      if (above.length >= maxDepth) throw tooDeep(file)
      for (const base of foldersOf(file, folder, plugin)) {
        const inner = visit(base.path, base.plugin, [...above, folder])
        extent.builds += inner.builds
        extent.levels = Math.max(extent.levels, inner.levels + 1)
        if (extent.builds > maxBuilds)
          throw new Refusal(
            'KustomizeFailed',
            file,
            `more than ${maxBuilds} kustomizations would be built for this one`,
          )
      }
      known.set(key, extent)
    }
    if (above.length + extent.levels > maxDepth) throw tooDeep(file)
    return extent
  }

  /** The folders with kustomizations that one names. */
  function foldersOf(file: string, folder: string, plugin: boolean): { path: string; plugin: boolean }[] {
    const found: { path: string; plugin: boolean }[] = []
    for (const reference of accepted(readKustomization(files.read(file)), file)) {
      const isPlugin = reference.as === 'plugin' || (plugin && reference.as === 'base')
      const target = locate(reference, file, folder)
      const kind = target === undefined ? undefined : files.kindOf(target)
      if (target === undefined || kind === undefined) continue
      if (kind === 'folder' && reference.as !== 'file') found.push({ path: target, plugin: isPlugin })
      if (kind === 'file' && isPlugin)
        for (const one of accepted(readPlugins(files.read(target)), target)) locate(one, target, folder)
    }
    return found
  }

  /** Where in the repository a reference leads; undefined for an allowed one outside of it. */
  function locate({ path, as }: Reference, file: string, folder: string): string | undefined {
    if (isOption(path)) throw new Refusal('KustomizeFailed', file, `'${path}' would be an option of git, not a place`)
    if (isRemote(path, as)) {
      if (remote) return undefined
      const message = `'${path}' lies outside the repository; give --kustomize-remote-bases to allow it`
      throw new Refusal('RemoteBase', file, message)
    }
    const target = resolve(folder, path)
    if (target === undefined) throw new Refusal('RemoteBase', file, `'${path}' leads out of the repository`)
    if (files.kindOf(target) === undefined)
      throw new Refusal('KustomizeFailed', file, `'${path}' does not exist in the repository`)
    return target
  }
}

function accepted(read: References, file: string): Reference[] {
  if ('refusal' in read) throw new Refusal('KustomizeFailed', file, read.refusal)
  return read.references
}

function tooDeep(file: string): Refusal {
  return new Refusal('KustomizeFailed', file, `the kustomization is nested deeper than ${maxDepth} levels`)
}

/**
 * What kustomize would fetch from somewhere: files only by http, folders by everything that git knows. It looks for a remote before
 * it looks on disk, so that a folder `github.com/x` of the repository would be fetched too.
 */
function isRemote(path: string, as: Reference['as']): boolean {
  if (path.includes('://')) return true
  if (as === 'file') return /^https?:/i.test(path)
  return /^[^/]*[:@]|^(?:www\.)?github\.com|^(?:git::|gh:)/i.test(path)
}

/** kustomize hands the parts of a remote to git as they are (hazard I7). */
function isOption(path: string): boolean {
  return path.startsWith('-') || /[?&](?:ref|version)=(?:-|%2d)/i.test(path)
}

/** Undefined for what is absolute or leaves the root. */
function resolve(folder: string, path: string): string | undefined {
  if (path === '' || path.startsWith('/') || path.includes('\\')) return undefined
  const parts = folder === '' ? [] : folder.split('/')
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) return undefined
  }
  return parts.join('/')
}

function below(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`
}
