/** One entry of a git tree. */
export type TreeEntry = {
  /** From the root of the repository, with `/`. */
  path: string
  blob: string
  mode: 'file' | 'executable' | 'symlink' | 'submodule'
  /** Bytes, where known. */
  size?: number
  /** Where a symlink leads, as it is written. */
  target?: string
}

export type TreeLookup<T extends TreeEntry> = {
  get(path: string): T | undefined
  isFolder(path: string): boolean
  /** The path without `.`, `..` and links on its way; undefined when it leaves the tree or goes in circles. Need not exist. */
  resolve(path: string): string | undefined
}

const maxLinks = 40

const lookups = new WeakMap<readonly TreeEntry[], TreeLookup<TreeEntry>>()

/**
 * Looks things up in a tree as the file system would, without ever leaving it. For the same entries it is the same: many sources read
 * one tree, so that it may not be changed.
 */
export function createTree<T extends TreeEntry>(entries: readonly T[]): TreeLookup<T> {
  const known = lookups.get(entries) as TreeLookup<T> | undefined
  const lookup = known ?? makeLookup(entries)
  if (!known) lookups.set(entries, lookup)
  return lookup
}

function makeLookup<T extends TreeEntry>(entries: readonly T[]): TreeLookup<T> {
  const byPath = new Map(entries.map((entry) => [entry.path, entry]))
  let folders: Set<string> | undefined

  function resolve(path: string): string | undefined {
    const done: string[] = []
    const todo = path.split('/').toReversed()
    let links = 0
    for (let part = todo.pop(); part !== undefined; part = todo.pop()) {
      if (part === '' || part === '.') continue
      if (part === '..') {
        if (done.pop() === undefined) return undefined
        continue
      }
      const entry = byPath.get([...done, part].join('/'))
      if (entry?.mode !== 'symlink') done.push(part)
      else if (!entry.target || entry.target.startsWith('/') || ++links > maxLinks) return undefined
      else todo.push(...entry.target.split('/').toReversed())
    }
    return done.join('/')
  }

  return {
    get: (path) => byPath.get(path),
    isFolder(path) {
      folders ??= foldersOf(entries)
      return folders.has(path)
    },
    resolve,
  }
}

/** Git knows no empty folders: a folder is there when something is below it. The root is always there. */
function foldersOf(entries: readonly TreeEntry[]): Set<string> {
  const folders = new Set([''])
  for (const { path } of entries) {
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1))
      folders.add(path.slice(0, slash))
  }
  return folders
}
