import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startDetached } from '../adapters/process/index.ts'

type Env = Readonly<Record<string, string | undefined>>

/**
 * Opens a link in the browser of the person; false when there is none. Arguments of programs can be read by all users of a machine, so
 * the browser is given a file that only this user may read, and which leads to the link.
 */
export function openLink(link: string, env: Env, platform: string): boolean {
  const file = join(mkdtempSync(join(tmpdir(), 'capstan-')), 'open.html')
  const target = new URL(link).href.replaceAll('&', '&amp;').replaceAll('"', '&quot;')
  writeFileSync(file, `<!doctype html><meta http-equiv="refresh" content="0; url=${target}">\n`, { mode: 0o600 })
  return startDetached(platform === 'darwin' ? 'open' : 'xdg-open', [file], env)
}
