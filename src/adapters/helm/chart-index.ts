import { parse } from 'yaml'

/** One version of a chart in a repository's index. `digest`: SHA-256 of its archive in hex; empty where the index gives none. */
export type IndexEntry = { version: string; urls: string[]; digest: string }

/** An index up to this size may be parsed whole; YAML of many megabytes would stop everything else for seconds (hazard B13). */
const maxWhole = 2 * 1024 * 1024

/** Every scalar stays a text: a version like 1.10 and a digest of digits alone are no numbers. */
const asTexts = { schema: 'failsafe', uniqueKeys: false, prettyErrors: false, maxAliasCount: 0 } as const

/**
 * The versions of one chart in the text of an `index.yaml`; empty when it has none, undefined when the text is no index. Only the part
 * about that chart is parsed, where the index is laid out as helm lays it out.
 */
export function readIndex(text: string, chart: string): IndexEntry[] | undefined {
  if (text.trimStart().startsWith('{'))
    return entriesOf(
      whole(() => JSON.parse(text) as unknown),
      chart,
    )
  const start = /^entries:[ \t]*\r?$/m.exec(text)
  if (start) {
    const block = blockOf(text, start.index + start[0].length + 1, chart)
    if (block !== undefined) {
      const list = whole(() => parse(block, asTexts) as unknown)
      if (list !== undefined) return readEntries(list)
    }
  }
  if (text.length > maxWhole) return start ? [] : undefined
  return entriesOf(
    whole(() => parse(text, asTexts) as unknown),
    chart,
  )
}

/** The lines below `  <chart>:`, up to the next key of the same depth. */
function blockOf(text: string, from: number, chart: string): string | undefined {
  const indent = /^ +(?=\S)/.exec(text.slice(from, from + 64))?.[0] ?? ''
  if (indent === '') return undefined
  const name = chart.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  const key = new RegExp(`^${indent}(?:${name}|"${name}"|'${name}'):[ \\t]*\\r?\\n`, 'gm')
  key.lastIndex = from
  const found = key.exec(text)
  if (!found) return undefined
  const next = new RegExp(`^(?: {0,${indent.length}}[^\\s#-]|---)`, 'gm')
  next.lastIndex = found.index + found[0].length
  const end = next.exec(text)
  return text.slice(found.index + found[0].length, end?.index ?? text.length)
}

function whole(read: () => unknown): unknown {
  try {
    return read()
  } catch {
    return undefined
  }
}

function entriesOf(index: unknown, chart: string): IndexEntry[] | undefined {
  if (typeof index !== 'object' || index === null) return undefined
  const { entries } = index as { entries?: Record<string, unknown> | null }
  return readEntries(entries && Object.hasOwn(entries, chart) ? entries[chart] : [])
}

/** Entries that lack what is needed are left out, as helm does (hazard I4). */
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
