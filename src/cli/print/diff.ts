import { cleanLine } from './clean.ts'
import type { Style } from './style.ts'

/** A unified diff for a terminal: what comes is green, what goes is red; safe whatever stands in it. */
export function printDiff(diff: string, style: Style): string {
  return diff
    .split('\n')
    .map((line) => `${paintOf(line, style)(cleanLine(line))}\n`)
    .join('')
}

function paintOf(line: string, { good, bad, faint }: Style): (text: string) => string {
  if (line.startsWith('+')) return good
  if (line.startsWith('-')) return bad
  return line.startsWith(' ') ? (text) => text : faint
}
