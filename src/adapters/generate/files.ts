import { lstatSync, readFileSync, realpathSync } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { KustomizeFiles } from '../../domain/source/kustomization.ts'
import type { TreeEntry } from '../../domain/source/tree.ts'

const maxTextBytes = 5 * 1024 * 1024

/** Looks into the folder without following a link, which a command of the repository may have made there. */
export function filesBelow(root: string): KustomizeFiles & { bytes(path: string): Uint8Array | undefined } {
  const base = realpathSync(root)

  function kindOf(path: string): 'file' | 'folder' | undefined {
    const full = path === '' ? base : join(base, path)
    try {
      if (realpathSync(full) !== full) return undefined
      const stats = lstatSync(full)
      if (stats.isDirectory()) return 'folder'
      return stats.isFile() ? 'file' : undefined
    } catch {
      return undefined
    }
  }

  function bytes(path: string): Uint8Array | undefined {
    if (kindOf(path) !== 'file' || lstatSync(join(base, path)).size > maxTextBytes) return undefined
    return readFileSync(join(base, path))
  }

  return { kindOf, bytes, read: (path) => new TextDecoder().decode(bytes(path)) }
}

/** The files of the folder that are not in the tree, as entries of it. Git's own are left out. */
export async function newFiles(root: string, tree: readonly TreeEntry[]): Promise<TreeEntry[]> {
  const known = new Set(tree.map(({ path }) => path))
  const found: TreeEntry[] = []
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const full = join(entry.parentPath, entry.name)
    const path = full.slice(root.length + 1)
    if (!entry.isFile() || known.has(path) || path.startsWith('.git/')) continue
    // What a link stands for was copied: it is in the tree already.
    if (tree.some(({ mode, path: link }) => mode === 'symlink' && path.startsWith(`${link}/`))) continue
    found.push({ path, blob: '', mode: 'file', size: (await lstat(full)).size })
  }
  return found
}
