import { mkdir, open, readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AppError } from '../../domain/error.ts'
import { copiesOf, type LinkCopy } from '../../domain/source/link-copies.ts'
import { createTree } from '../../domain/source/tree.ts'
import { listTree, readBlobs, type TreeFile } from './objects.ts'
import type { Operation } from './operation.ts'
import { isBelow } from './paths.ts'

const maxBytes = 256 * 1024 * 1024

/** Links to one big folder could make any number of copies. */
const maxFiles = 200_000

/**
 * Writes the files below a path into an empty directory; of a path that is one file, that file. Where a link leads to something in the
 * repository there are copies; other links and submodules are left out: whoever reads the directory could follow a link out of it
 * (hazards G8, I1).
 */
export async function exportFiles(
  { git, signal }: Operation,
  commit: string,
  path: string,
  directory: string,
): Promise<void> {
  const entries = await listTree(git, commit)
  const { root, files } = filesBelow(entries, path)
  if (files.length === 0)
    throw new AppError('PathNotFound', `'${path}' does not exist in the repository at ${commit.slice(0, 7)}`)
  const wanted = withCopies(files, entries)
  const bytes = wanted.reduce((sum, { from }) => sum + from.size, 0)
  if (bytes > maxBytes)
    throw new AppError('PathNotFound', `'${path}' holds more than ${maxBytes / 1024 / 1024} MB of files`)
  await mkdir(directory, { recursive: true })
  if ((await readdir(directory)).length > 0) throw new Error(`the directory to export into is not empty: ${directory}`)
  const contents = await readBlobs(
    git,
    wanted.map(({ from }) => from.blob),
  )
  const folders = new Set<string>()
  for (const { from, to } of wanted) {
    signal.throwIfAborted()
    await writeOut(from, contents.get(from.blob), join(directory, insidePath(to, root)), folders)
  }
}

/** The path may itself be a link, or lead through one. */
function filesBelow(entries: readonly TreeFile[], path: string): { root: string; files: TreeFile[] } {
  const root = createTree(entries).resolve(path)
  return root === undefined
    ? { root: path, files: [] }
    : { root, files: entries.filter((file) => isBelow(file.path, root)) }
}

function withCopies(files: readonly TreeFile[], entries: readonly TreeFile[]): LinkCopy<TreeFile>[] {
  const tree = createTree(entries)
  const wanted: LinkCopy<TreeFile>[] = []
  for (const file of files) {
    if (file.mode === 'file' || file.mode === 'executable') wanted.push({ from: file, to: file.path })
    if (file.mode === 'symlink') wanted.push(...copiesOf(file, tree, entries))
    if (wanted.length > maxFiles)
      throw new AppError('PathNotFound', `links of the repository lead to more than ${maxFiles} files`)
  }
  return wanted
}

async function writeOut(
  file: TreeFile,
  bytes: Uint8Array | undefined,
  to: string,
  folders: Set<string>,
): Promise<void> {
  if (!bytes) throw new Error(`git did not give the content of ${file.path}`)
  const folder = dirname(to)
  if (!folders.has(folder)) await mkdir(folder, { recursive: true })
  folders.add(folder)
  // Exclusive: the directory was empty, so whatever is there now is a trick with names that are equal on this disk.
  const handle = await open(to, 'wx', file.mode === 'executable' ? 0o755 : 0o644)
  try {
    await handle.writeFile(bytes)
  } finally {
    await handle.close()
  }
}

/** Below the exported folder. Names that no honest tree holds are refused, though git's own checks know them too. */
function insidePath(path: string, root: string): string {
  const inside = path === root ? basename(path) : root === '' ? path : path.slice(root.length + 1)
  const bad = inside
    .split('/')
    .some((part) => part === '' || part === '.' || part === '..' || /^\.git$/i.test(part) || part.includes('\\'))
  if (bad) throw new AppError('PathNotFound', 'the repository holds a file name that is not safe to write')
  return inside
}
