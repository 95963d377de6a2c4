import { readFile, rename, writeFile } from 'node:fs/promises'

/** Replaces a file whole and only when it differs: a git that runs right now never sees half of it. */
export async function put(file: string, content: string): Promise<void> {
  const before = await readFile(file, 'utf8').catch(() => undefined)
  if (before === content) return
  const fresh = `${file}.${process.hrtime.bigint()}`
  await writeFile(fresh, content, { mode: 0o600, flag: 'wx' })
  await rename(fresh, file)
}
