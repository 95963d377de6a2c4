import type { Command } from './command.ts'
import { checkId } from './ref-name.ts'

/** Beyond so many commits the list would be long, and something of everything is in it. */
const mostCommits = 50

/**
 * Every file that a commit reachable from `to` and not from `from` touches, and all folders above it; `everything` where there are too
 * many commits to say. A merge counts for what it differs in from any of its parents: rather too much than too little.
 */
export async function readTouched(
  git: Command,
  { from, to }: { from: string; to: string },
): Promise<ReadonlySet<string> | 'everything'> {
  checkId(from)
  checkId(to)
  const range = [to, `^${from}`, '--']
  if (Number(await git.text(['rev-list', '--count', `--max-count=${mostCommits + 1}`, ...range])) > mostCommits)
    return 'everything'
  const text = await git.text(['log', '-z', '-m', '--name-only', '--no-renames', '--format=', ...range])
  const touched = new Set<string>()
  for (const path of text.split('\0')) {
    for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) touched.add(path.slice(0, end))
  }
  return touched
}

/** True when none of these files or folders is touched. A path that is not written as git writes it may be. */
export function isUntouched(paths: readonly string[], touched: ReadonlySet<string> | 'everything'): boolean {
  if (touched === 'everything' || paths.length === 0) return false
  return paths.every((path) => isPlain(path) && !touched.has(path.replace(/\/$/, '')))
}

function isPlain(path: string): boolean {
  return path
    .replace(/\/$/, '')
    .split('/')
    .every((part) => part !== '' && part !== '.' && part !== '..')
}
