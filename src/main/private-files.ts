import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What nobody has asked for during this time is removed at the next start. */
const keptForMs = 7 * 24 * 3_600_000

/**
 * Keeps secrets in files that only this user may read, in a folder of their own; gives the path. A name has the same content always,
 * so a file that is there is right; it appears whole or not at all.
 */
export function createPrivateFiles(directory: string): (name: string, bytes: Uint8Array) => Promise<string> {
  let ready: Promise<void> | undefined

  async function prepare(): Promise<void> {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await chmod(directory, 0o700)
    for (const name of await readdir(directory)) {
      const file = join(directory, name)
      const found = await stat(file).catch(() => undefined)
      if (found && Date.now() - found.mtimeMs > keptForMs) await rm(file, { force: true })
    }
  }

  return async (name, bytes) => {
    if (!/^[\w-]+$/.test(name)) throw new Error('a private file has a name that leads elsewhere')
    ready ??= prepare()
    await ready.catch((error: unknown) => {
      ready = undefined
      throw error
    })
    const path = join(directory, name)
    const now = new Date()
    const isThere = await utimes(path, now, now).then(
      () => true,
      () => false,
    )
    if (isThere) return path
    const temporary = `${path}.${randomBytes(4).toString('hex')}`
    await writeFile(temporary, bytes, { mode: 0o600, flag: 'wx' })
    await rename(temporary, path)
    return path
  }
}
