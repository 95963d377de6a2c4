import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

const largestTemplate = 4 * 1024 * 1024

/**
 * True when a chart or a subchart has hooks that run after install, upgrade or rollback: helm must wait for readiness itself before it
 * starts them. A packed subchart is not looked into and counts as having some.
 */
export async function hasPostHooks(folder: string): Promise<boolean> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  for (const entry of entries) {
    if (!entry.isFile()) continue
    if (entry.name.endsWith('.tgz')) return true
    const path = join(entry.parentPath, entry.name)
    if (!path.slice(folder.length).includes('/templates/')) continue
    if (isPostHook((await readFile(path)).subarray(0, largestTemplate).toString())) return true
  }
  return false
}

/** The annotation may be made by a template, so both words are looked for wherever they stand. */
function isPostHook(text: string): boolean {
  return text.includes('helm.sh/hook') && /post-(install|upgrade|rollback)/.test(text)
}
