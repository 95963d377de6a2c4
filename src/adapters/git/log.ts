import type { Command } from './command.ts'
import { checkId } from './ref-name.ts'

export type LogEntry = { commit: string; parents: string[]; message: string }

/** Commits reachable from `to` and not from `from`, newest first. Messages as written, without the last line break. */
export async function readLog(
  git: Command,
  { from, to, limit }: { from?: string; to: string; limit: number },
): Promise<LogEntry[]> {
  checkId(to)
  if (from !== undefined) checkId(from)
  const range = from === undefined ? [to] : [to, `^${from}`]
  const count = Math.max(0, Math.floor(limit))
  const text = await git.text([
    'log',
    '-z',
    '--topo-order',
    '--format=%H%x20%P%n%B',
    `--max-count=${count}`,
    ...range,
    '--',
  ])
  return text
    .split('\0')
    .filter((entry) => entry !== '')
    .map(readEntry)
}

function readEntry(entry: string): LogEntry {
  const end = entry.indexOf('\n')
  const [commit = '', ...parents] = entry.slice(0, end).trim().split(' ')
  return { commit, parents, message: entry.slice(end + 1).replace(/\n+$/, '') }
}
