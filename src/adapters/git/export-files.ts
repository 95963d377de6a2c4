import { mkdir, open, readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AppError } from '../../domain/error.ts'
import { listTree, readBlobs, type TreeFile } from './objects.ts'
import type { Operation } from './operation.ts'
import { isBelow } from './paths.ts'

const maxBytes = 256 * 1024 * 1024

/**
 * Writes the files below a path into an empty directory; of a path that is one file, that file. Links and submodules are left
 * out: whoever reads the directory could follow a link out of it (hazard G8).
 */
export async function exportFiles(
  { git, signal }: Operation,
  commit: string,
  path: string,
  directory: string,
): Promise<void> {
  const root = path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')
  const files = (await listTree(git, commit)).filter((file) => isBelow(file.path, root))
  if (files.length === 0)
    throw new AppError('PathNotFound', `'${path}' does not exist in the repository at ${commit.slice(0, 7)}`)
  const wanted = files.filter(({ mode }) => mode === 'file' || mode === 'executable')
  const bytes = wanted.reduce((sum, { size }) => sum + size, 0)
  if (bytes > maxBytes)
    throw new AppError('PathNotFound', `'${path}' holds more than ${maxBytes / 1024 / 1024} MB of files`)
  await mkdir(directory, { recursive: true })
  if ((await readdir(directory)).length > 0) throw new Error(`the directory to export into is not empty: ${directory}`)
  const contents = await readBlobs(
    git,
    wanted.map(({ blob }) => blob),
  )
  const folders = new Set<string>()
  for (const file of wanted) {
    signal.throwIfAborted()
    await writeOut(file, contents.get(file.blob), join(directory, insidePath(file.path, root)), folders)
  }
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
