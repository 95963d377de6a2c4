import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gitignoreTest } from '../../domain/source/include.ts'
import { filesBelow } from './files.ts'

/** A file that commands changed; `content` is null where they took it away. The path is from the root of the repository. */
export type FileChange = { path: string; content: Uint8Array | null }

/** Digests of the files of a folder, by path; links are not followed, git's own files are left out. */
export type Snapshot = ReadonlyMap<string, string>

/** What the folder holds now. */
export async function takeSnapshot(root: string): Promise<Snapshot> {
  const snapshot = new Map<string, string>()
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const full = join(entry.parentPath, entry.name)
    const path = full.slice(root.length + 1)
    if (!entry.isFile() || path.startsWith('.git/')) continue
    snapshot.set(
      path,
      createHash('sha256')
        .update(await readFile(full))
        .digest('hex'),
    )
  }
  return snapshot
}

/**
 * The files that differ from a snapshot. New ones that a .gitignore of the repository names are left out, as git would (flux-v1 §6).
 * A file of more than 5 MB is `tooLarge`.
 */
export async function changesSince(
  before: Snapshot,
  root: string,
): Promise<{ changes: FileChange[]; tooLarge: string[] }> {
  const after = await takeSnapshot(root)
  const files = filesBelow(root)
  const isIgnored = ignoreTest(root, [...after.keys()])
  const result: { changes: FileChange[]; tooLarge: string[] } = { changes: [], tooLarge: [] }
  for (const path of before.keys()) if (!after.has(path)) result.changes.push({ path, content: null })
  for (const [path, digest] of after) {
    if (before.get(path) === digest || (!before.has(path) && isIgnored(path))) continue
    const content = files.bytes(path)
    if (content) result.changes.push({ path, content })
    else result.tooLarge.push(path)
  }
  return result
}

function ignoreTest(root: string, paths: readonly string[]): (path: string) => boolean {
  const files = filesBelow(root)
  const tests = paths
    .filter((path) => path === '.gitignore' || path.endsWith('/.gitignore'))
    .map((path) => {
      const folder = path.slice(0, -'.gitignore'.length)
      return { folder, test: gitignoreTest(files.read(path).split(/\r?\n/)) }
    })
  return (path) => tests.some(({ folder, test }) => path.startsWith(folder) && test(path.slice(folder.length)))
}
