import { parseDuration } from '../lib/duration.ts'
import { never } from '../lib/never.ts'
import type { Flag } from './flag.ts'

type Value = string | boolean | number | readonly string[]

/** Reads the texts given for one flag; the last one counts, a list takes all. `problem` is half a sentence. */
export function readValue(flag: Flag, texts: readonly string[]): { value: Value } | { problem: string } {
  const last = texts.at(-1) ?? ''
  switch (flag.type) {
    case 'string':
      return { value: last }
    case 'switch':
      return readSwitch(last)
    case 'number':
      return /^\d{1,9}$/.test(last) ? { value: Number(last) } : { problem: `is no whole number: "${last}"` }
    case 'duration': {
      const ms = parseDuration(last)
      return ms === undefined ? { problem: `is no duration such as 30s, 5m or 1m30s: "${last}"` } : { value: ms }
    }
    case 'list':
      return readList(texts, flag.choices)
    case 'choice':
      return flag.choices.includes(last) ? { value: last } : { problem: `must be ${oneOf(flag.choices)}: "${last}"` }
    default:
      return never(flag)
  }
}

/** The value of a flag that nobody gave. */
export function defaultValue(flag: Flag): Value {
  return flag.type === 'duration' ? (parseDuration(flag.default) as number) : flag.default
}

/** The words that Go takes for a boolean. */
const switchWords: Record<string, boolean> = { '1': true, t: true, true: true, '0': false, f: false, false: false }

function readSwitch(text: string): { value: boolean } | { problem: string } {
  const value = /^(?:[a-z01]+|[A-Z]+|[A-Z][a-z]+)$/.test(text) ? switchWords[text.toLowerCase()] : undefined
  return value === undefined ? { problem: `must be true or false: "${text}"` } : { value }
}

function readList(texts: readonly string[], choices?: readonly string[]): { value: string[] } | { problem: string } {
  const value: string[] = []
  for (const text of texts) {
    const words = splitCsv(text)
    if (!words) return { problem: `is no comma-separated list: "${text}"` }
    value.push(...words)
  }
  const odd = choices ? value.find((word) => !choices.includes(word)) : undefined
  return odd === undefined ? { value } : { problem: `must be ${oneOf(choices ?? [])}: "${odd}"` }
}

/** One line of CSV as pflag's StringSlice reads it; an empty text is an empty list. Undefined when a quote is never closed. */
function splitCsv(text: string): string[] | undefined {
  if (text === '') return []
  const words: string[] = []
  let rest = text
  for (;;) {
    const [whole, quoted, plain = ''] = /^(?:"((?:[^"]|"")*)"|([^",]*))(?=,|$)/s.exec(rest) ?? []
    if (whole === undefined) return undefined
    words.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'))
    if (whole.length === rest.length) return words
    rest = rest.slice(whole.length + 1)
  }
}

function oneOf(choices: readonly string[]): string {
  const words = choices.filter((choice) => choice !== '')
  return words.length === 1 ? `${words[0]}` : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}
