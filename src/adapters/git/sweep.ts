import { lstat, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** A mirror that nobody fetched for so long belongs to a remote or a credential that is gone; if not, it is cloned again. */
const unusedMs = 24 * 3_600_000

/** At the start of a process: what an earlier one left half-done, and mirrors out of use (hazards A1, F1). */
export async function sweepFolder(directory: string): Promise<void> {
  await remove(join(directory, 'tmp'))
  await sweepUnused(directory)
}

/**
 * Mirrors out of use, with the homes that hold their credentials. Where a password changes by the hour, each makes a mirror of its own, so this
 * is done before each new one, too. What cannot be removed, because a git still writes there, is left to the next time.
 */
export async function sweepUnused(directory: string): Promise<void> {
  const mirrors = join(directory, 'mirrors')
  for (const name of await list(mirrors)) {
    if (!(await isOlder(join(mirrors, name), unusedMs))) continue
    await remove(join(mirrors, name))
    await remove(join(directory, 'homes', name.replace(/\.git$/, '')))
  }
}

/**
 * Before a change, under the mirror's lock: lock files and packs in the making that a killed git left. Only those older than any
 * operation may take, since a git whose parent was killed may still be at work (hazard A1).
 */
export async function sweepStale(gitDir: string, olderThanMs: number): Promise<void> {
  const folders = ['', 'objects', 'objects/pack', 'objects/info', 'info', ...(await foldersBelow(gitDir, 'refs'))]
  for (const folder of folders) {
    for (const name of await list(join(gitDir, folder))) {
      if (!name.endsWith('.lock') && !name.startsWith('tmp_') && !name.startsWith('.tmp-')) continue
      const path = join(gitDir, folder, name)
      if (await isOlder(path, olderThanMs)) await remove(path)
    }
  }
}

async function foldersBelow(root: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => [])
  const below = entries.filter((entry) => entry.isDirectory()).map((entry) => `${folder}/${entry.name}`)
  const deeper = await Promise.all(below.map((path) => foldersBelow(root, path)))
  return [folder, ...deeper.flat()]
}

async function remove(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => undefined)
}

async function list(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => [])
}

async function isOlder(path: string, ms: number): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined)
  return found !== undefined && Date.now() - found.mtimeMs > ms
}
