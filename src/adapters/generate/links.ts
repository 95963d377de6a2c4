import { copyFile, constants, mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AppError } from '../../domain/error.ts'
import { createTree, type TreeEntry, type TreeLookup } from '../../domain/source/tree.ts'

const maxBytes = 256 * 1024 * 1024

/**
 * Puts copies where the tree has links: of the file that a link leads to, or of the files below the folder. Links that lead out of
 * the repository, nowhere or to a folder that they are in stay away; so a program that reads the folder cannot leave it (hazard G8).
 */
export async function copyLinks(entries: readonly TreeEntry[], root: string, signal: AbortSignal): Promise<void> {
  const tree = createTree(entries)
  let bytes = 0
  for (const link of entries) {
    if (link.mode !== 'symlink' || !isSafe(link.path)) continue
    for (const { from, to, size } of copiesOf(link, tree, entries)) {
      signal.throwIfAborted()
      bytes += size
      if (bytes > maxBytes)
        throw new AppError(
          'PathNotFound',
          `links of the repository lead to more than ${maxBytes / 1024 / 1024} MB of files`,
        )
      await mkdir(dirname(join(root, to)), { recursive: true })
      await copyFile(join(root, from), join(root, to), constants.COPYFILE_EXCL)
    }
  }
}

type Copy = { from: string; to: string; size: number }

function copiesOf(link: TreeEntry, tree: TreeLookup<TreeEntry>, entries: readonly TreeEntry[]): Copy[] {
  const target = tree.resolve(link.path)
  if (target === undefined) return []
  const entry = tree.get(target)
  if (entry) return isFile(entry) ? [{ from: target, to: link.path, size: entry.size ?? 0 }] : []
  if (target === '' || link.path.startsWith(`${target}/`)) return []
  return entries
    .filter((one) => isFile(one) && one.path.startsWith(`${target}/`))
    .map((one) => ({ from: one.path, to: link.path + one.path.slice(target.length), size: one.size ?? 0 }))
}

function isFile({ mode }: TreeEntry): boolean {
  return mode === 'file' || mode === 'executable'
}

function isSafe(path: string): boolean {
  return !path.split('/').some((part) => part === '' || part === '.' || part === '..' || /^\.git$/i.test(part))
}
