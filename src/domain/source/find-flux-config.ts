import type { TreeEntry, TreeLookup } from './tree.ts'

const name = '.flux.yaml'

/** The `.flux.yaml` that governs a target, and the folder that its commands run in. Paths are resolved; the root is empty. */
export type FoundFluxConfig = { file: string; directory: string }

/**
 * The nearest `.flux.yaml`: the target itself when it is one, else the one in the target's folder or in a folder above, up to the
 * root of the repository (flux-v1 §6). Folders below are never looked at. Undefined when there is none, and for targets that are
 * other files or are not in the tree: those are read plain.
 */
export function findFluxConfig(tree: TreeLookup<TreeEntry>, target: string): FoundFluxConfig | undefined {
  const root = tree.resolve(target)
  if (root === undefined) return undefined
  if (isFile(tree, root)) {
    return root === name || root.endsWith(`/${name}`) ? { file: root, directory: folderOf(root) } : undefined
  }
  if (!tree.isFolder(root)) return undefined
  for (let folder = root; ; folder = folderOf(folder)) {
    const file = tree.resolve(folder === '' ? name : `${folder}/${name}`)
    if (file !== undefined && isFile(tree, file)) return { file, directory: root }
    if (folder === '') return undefined
  }
}

function isFile(tree: TreeLookup<TreeEntry>, path: string): boolean {
  const mode = tree.get(path)?.mode
  return mode === 'file' || mode === 'executable'
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}
