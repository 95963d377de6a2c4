import { readFileSync } from 'node:fs'
import { getCallSites } from 'node:util'

/**
 * Of a bundled file: which of our files its lines were. `runs` holds threes of numbers in order: a line of the bundle, the index of
 * the file that begins there, and that file's line; the lines after it count on.
 */
type LineTable = { files: readonly string[]; runs: readonly number[] }

const tables = new Map<string, LineTable | undefined>()

/** Where a line was logged, as `folder/file.ts:12`. To be called by the very function that the logging code calls. */
export function callerOf(): string {
  const [, , site] = getCallSites(3)
  if (!site) return 'unknown'
  const place = site.scriptName.endsWith('.js') ? placeOf(site.scriptName, site.lineNumber) : undefined
  const { file, line } = place ?? { file: site.scriptName, line: site.lineNumber }
  return `${file.split('/').slice(-2).join('/')}:${line}`
}

function placeOf(script: string, line: number): { file: string; line: number } | undefined {
  if (!tables.has(script)) tables.set(script, readTable(script))
  const { files, runs } = tables.get(script) ?? { files: [], runs: [] }
  let [low, high] = [0, runs.length / 3]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((runs[middle * 3] ?? 0) <= line) low = middle + 1
    else high = middle
  }
  const [start = 0, file = -1, first = 0] = runs.slice((low - 1) * 3, low * 3)
  const name = files[file]
  return name === undefined ? undefined : { file: name, line: first + line - start }
}

/** Nothing when the build left none beside the file. */
function readTable(script: string): LineTable | undefined {
  try {
    return JSON.parse(readFileSync(new URL(`${script}.lines.json`), 'utf8')) as LineTable
  } catch {
    return undefined
  }
}
