import type { TreeEntry, TreeLookup } from './tree.ts'

/** A file that stands in the place of a link. `to`: from the root of the repository. */
export type LinkCopy<T extends TreeEntry> = { from: T; to: string }

/**
 * What stands where a link is: the file that it leads to, or the files below the folder. Links that lead out of the repository,
 * nowhere or to a folder that they are in have none; so a program that reads the copies cannot leave them (hazards G8, I1).
 */
export function copiesOf<T extends TreeEntry>(link: T, tree: TreeLookup<T>, entries: readonly T[]): LinkCopy<T>[] {
  const target = tree.resolve(link.path)
  if (target === undefined) return []
  const entry = tree.get(target)
  if (entry) return isFile(entry) ? [{ from: entry, to: link.path }] : []
  if (target === '' || link.path.startsWith(`${target}/`)) return []
  return entries
    .filter((one) => isFile(one) && one.path.startsWith(`${target}/`))
    .map((from) => ({ from, to: link.path + from.path.slice(target.length) }))
}

function isFile({ mode }: TreeEntry): boolean {
  return mode === 'file' || mode === 'executable'
}
