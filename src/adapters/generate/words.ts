import type { RunResult } from '../../lib/run.ts'

const maxWords = 500

/** Why a program did not do its work, in half a sentence: how it ended and the last it said. `root` is taken out of paths. */
export function whyFailed(result: RunResult, { timeoutMs, root }: { timeoutMs: number; root: string }): string {
  const said = lastWords(result.stderr.replaceAll(`${root}/`, '').replaceAll(root, '.'))
  const how = howItEnded(result, timeoutMs)
  return said === '' ? how : `${how}: ${said}`
}

/** At most this much of a text, on one line, from its beginning. */
export function inOneLine(text: string, limit: number): string {
  const line = text.replace(/[\p{Cc}\s]+/gu, ' ').trim()
  return line.length > limit ? `${line.slice(0, limit)}…` : line
}

function howItEnded({ ended, exitCode }: RunResult, timeoutMs: number): string {
  if (ended === 'timeout') return `it did not end within ${timeoutMs / 1000} s and was stopped`
  if (ended === 'tooMuchOutput') return 'it printed more than 50 MB'
  if (ended === 'killed') return 'it was killed'
  if (ended === 'outOfMemory') return 'there was no memory left for it'
  return ended === 'notFound' ? 'it could not be started' : `exit code ${exitCode ?? 'unknown'}`
}

function lastWords(stderr: string): string {
  const line = stderr.replace(/[\p{Cc}\s]+/gu, ' ').trim()
  return line.length > maxWords ? `…${line.slice(-maxWords)}` : line
}
