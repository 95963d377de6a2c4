import type { Redactor } from '../../lib/redactor.ts'

/** What a line says, by key; values as JSON has them. */
export type Entry = Readonly<Record<string, unknown>>

/** How a line is written; the keys come in the order in which they are printed. */
export type Print = (entry: Entry) => string

/** With its line break; what collects logs cuts or refuses longer ones. */
const mostBytes = 16_384

/** How much of each text is kept when a line is too long: the first that makes it fit. */
const textLimits = [Number.POSITIVE_INFINITY, 4096, 1024, 256, 64]

/**
 * Makes one line of an entry: first clean of secrets, value by value and before any escaping, then cut to size. So a cut never shows
 * part of a secret, and a cut line of JSON is still JSON.
 */
export function createLine(print: Print, redactor: Pick<Redactor, 'redact'>): (entry: Entry) => string {
  const redact = (text: string) => redactor.redact(text)
  return (entry) => {
    const clean = order(mapTexts(entry, redact) as Entry)
    for (const limit of textLimits) {
      const line = `${print(mapTexts(clean, (text) => shorten(text, limit)) as Entry)}\n`
      if (Buffer.byteLength(line) <= mostBytes) return line
    }
    // so many fields that none of them fits
    const { ts, level, msg } = clean
    return `${print({ ts, level, msg: shorten(String(msg), 64), cut: true })}\n`
  }
}

/** The ancestors' keys first (ruling 19), the component right before the fields, the message last. */
function order({ ts, caller, component, level, msg, ...fields }: Entry): Entry {
  return { ts, caller, level, ...(component === undefined ? {} : { component }), ...fields, msg }
}

/** The same value with each of its texts changed, names of fields too. A number whose digits change becomes a text. */
function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value)
  if (typeof value === 'number') {
    const digits = String(value)
    const changed = change(digits)
    return changed === digits ? value : changed
  }
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, change))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [change(key), mapTexts(item, change)]))
}

function shorten(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit).toWellFormed()}…`
}
