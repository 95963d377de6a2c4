import { readdir, readFile, writeFile } from 'node:fs/promises'
import { SourceMap, type SourceMapPayload } from 'node:module'
import { join } from 'node:path'

/** Where lines of a bundled file come from: `runs` holds threes of numbers, see src/adapters/log/caller.ts. */
type LineTable = { files: string[]; runs: number[] }

/**
 * Writes `x.js.lines.json` beside each bundled `x.js` below a folder: which line of which of our files each line was, so that the log
 * names sources. A hundredth of a source map, which costs 140 MB of memory in use.
 */
export async function writeLineTables(folder: string): Promise<void> {
  const files = await readdir(folder, { recursive: true })
  for (const file of files.filter((name) => name.endsWith('.js.map'))) {
    const map = JSON.parse(await readFile(join(folder, file), 'utf8')) as SourceMapPayload
    const table = readTable(new SourceMap(map), await readFile(join(folder, file.slice(0, -'.map'.length)), 'utf8'))
    if (table.files.length === 0) continue
    await writeFile(join(folder, `${file.slice(0, -'.map'.length)}.lines.json`), JSON.stringify(table))
  }
}

function readTable(map: SourceMap, code: string): LineTable {
  const files: string[] = []
  const runs: number[] = []
  let last = { file: -1, shift: 0 }
  for (const [at, text] of code.split('\n').entries()) {
    const place = placeOf(map, at, text.search(/\S|$/))
    if (!place) continue
    if (!files.includes(place.source)) files.push(place.source)
    const now = { file: files.indexOf(place.source), shift: place.line - at }
    if (now.file !== last.file || now.shift !== last.shift) runs.push(at + 1, now.file, place.line + 1)
    last = now
  }
  return { files, runs }
}

/** Nothing for a line of a package or of the bundler. Lines count from zero. */
function placeOf(map: SourceMap, line: number, column: number): { source: string; line: number } | undefined {
  const entry = map.findEntry(line, column)
  if (!('originalSource' in entry) || entry.generatedLine !== line) return undefined
  const [, source] = /(?<!node_modules.*)\/src\/(.+\.ts)$/.exec(entry.originalSource) ?? []
  return source === undefined ? undefined : { source, line: entry.originalLine }
}
