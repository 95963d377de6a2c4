import { parse } from 'yaml'
import { breather } from './breather.ts'

/** One version of a chart in a repository's index. `digest`: SHA-256 of its archive in hex; empty where the index gives none. */
export type IndexEntry = { version: string; urls: string[]; digest: string }

/** Bytes of a chart's list of versions in the index, or the list itself where the index was small. */
export type IndexBlock = { start: number; end: number } | { entries: IndexEntry[] }

/** Where each chart is in an index; a text says why it cannot be used. */
export type IndexOutline = ReadonlyMap<string, IndexBlock> | string

/** YAML that is not laid out as helm lays it may be parsed whole up to this size: it takes a tenth of a second. */
const maxWholeYaml = 128 * 1024
const maxWholeJson = 8 * 1024 * 1024
/** Charts of one index, and bytes of one version of a chart. */
const maxCharts = 100_000
const maxItem = 64 * 1024
const maxKeyLine = 512

const [lineEnd, space, dash, hash, carriageReturn] = [10, 32, 45, 35, 13]

/** Every scalar stays a text: a version like 1.10 and a digest of digits alone are no numbers. */
const asTexts = { schema: 'failsafe', uniqueKeys: false, prettyErrors: false, maxAliasCount: 0 } as const

/**
 * Finds the charts in the bytes of an `index.yaml`. An index may have 50 MB, so it is looked through in slices of a few milliseconds
 * (hazard B13), and nothing is parsed but what is asked for later.
 */
export async function outlineIndex(index: Buffer): Promise<IndexOutline> {
  if (/^[\s\uFEFF]*\{/.test(index.toString('utf8', 0, 1_024))) return outlineWhole(index)
  const blocks = await findBlocks(index)
  if (blocks !== undefined) return blocks
  return outlineWhole(index)
}

/** The versions in the bytes of one block; what lacks something needed is left out, as helm does (hazard I4). */
export async function readBlock(block: Buffer): Promise<IndexEntry[]> {
  const breathe = breather({ stepsPerLook: 1 })
  const entries: IndexEntry[] = []
  for (const item of itemsOf(block)) {
    const pause = breathe()
    if (pause) await pause
    if (item.length <= maxItem) entries.push(...readEntries(attempt(() => parse(item.toString(), asTexts) as unknown)))
  }
  return entries
}

type Line = { start: number; next: number; indent: number; first: number | undefined }

/** Lines with their indentation; `first`: the byte after it, undefined for blank lines and comments. */
function* linesOf(text: Buffer, from = 0): Generator<Line> {
  for (let start = from; start < text.length; ) {
    const found = text.indexOf(lineEnd, start)
    const next = found < 0 ? text.length : found + 1
    let at = start
    while (text[at] === space) at += 1
    const first = at < next ? text[at] : undefined
    const isBlank = first === undefined || first === lineEnd || first === carriageReturn || first === hash
    yield { start, next, indent: at - start, first: isBlank ? undefined : first }
    start = next
  }
}

/** Undefined where the index is laid out in another way than by helm, or is none. */
async function findBlocks(index: Buffer): Promise<IndexOutline | undefined> {
  const from = startOfEntries(index)
  if (from === undefined) return undefined
  const breathe = breather({ stepsPerLook: 256 })
  const blocks = new Map<string, { start: number; end: number }>()
  let [depth, open] = [0, undefined as { start: number; end: number } | undefined]
  for (const { start, next, indent, first } of linesOf(index, from)) {
    const pause = breathe()
    if (pause) await pause
    if (first === undefined) continue
    depth ||= indent
    if (indent < depth || depth === 0) break
    if (indent > depth || first === dash) {
      if (open) open.end = next
      continue
    }
    const key = readKey(index.toString('utf8', start, Math.min(next, start + maxKeyLine)))
    if (key === undefined) return undefined
    if (blocks.has(key)) return `it names the chart ${key} twice`
    if (blocks.size >= maxCharts) return `it has more than ${maxCharts} charts`
    open = { start: next, end: next }
    blocks.set(key, open)
  }
  return blocks
}

/** The first byte after the line `entries:`. */
function startOfEntries(index: Buffer): number | undefined {
  const line = 'entries:'
  for (let at = index.indexOf(line); at >= 0; at = index.indexOf(line, at + 1)) {
    if (at > 0 && index[at - 1] !== lineEnd) continue
    const end = index.indexOf(lineEnd, at)
    const rest = end < 0 ? '' : index.toString('utf8', at + line.length, Math.min(end, at + maxKeyLine))
    return rest.trim() === '' && end >= 0 ? end + 1 : undefined
  }
  return undefined
}

/** The name in `  name:`; an empty list may follow. */
function readKey(line: string): string | undefined {
  const [, double, single, bare] =
    /^ *(?:"([^"\\]*)"|'([^']*)'|([^\s"'#:{}[\],&*!|>%@`][^:]*)):\s*(?:\[\])?\s*$/.exec(line) ?? []
  return double ?? single ?? bare
}

function* itemsOf(block: Buffer): Generator<Buffer> {
  let [depth, begin] = [-1, -1]
  for (const { start, indent, first } of linesOf(block)) {
    if (first === undefined) continue
    if (depth < 0) depth = indent
    if (first !== dash || indent !== depth) continue
    if (begin >= 0) yield block.subarray(begin, start)
    begin = start
  }
  if (begin >= 0) yield block.subarray(begin)
}

function outlineWhole(index: Buffer): IndexOutline {
  const text = index.toString()
  const isJson = /^[\s\uFEFF]*\{/.test(text)
  if (index.length > (isJson ? maxWholeJson : maxWholeYaml)) return 'it is not laid out as helm writes it'
  const read = () => (isJson ? JSON.parse(text.replace(/^\uFEFF/, '')) : parse(text, asTexts)) as unknown
  const found =
    attempt(read) ??
    (isJson && index.length <= maxWholeYaml ? attempt(() => parse(text, asTexts) as unknown) : undefined)
  const entries = (found as { entries?: unknown } | null | undefined)?.entries
  if (typeof found !== 'object' || found === null || entries === undefined) return 'it is not a chart index'
  return new Map(Object.entries(entries ?? {}).map(([name, list]) => [name, { entries: readEntries(list) }]))
}

function attempt(read: () => unknown): unknown {
  try {
    return read()
  } catch {
    return undefined
  }
}

function readEntries(list: unknown): IndexEntry[] {
  if (!Array.isArray(list)) return []
  return list.flatMap((entry: unknown) => {
    const { version, urls, digest } = (entry ?? {}) as Partial<Record<keyof IndexEntry, unknown>>
    if ((typeof version !== 'string' && typeof version !== 'number') || !Array.isArray(urls)) return []
    const usable = urls.filter((url) => typeof url === 'string' && url !== '') as string[]
    if (usable.length === 0) return []
    const hex = typeof digest === 'string' ? digest.replace(/^sha256:/, '').toLowerCase() : ''
    return [{ version: String(version), urls: usable, digest: hex }]
  })
}
