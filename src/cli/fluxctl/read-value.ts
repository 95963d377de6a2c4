import { parseDuration } from '../../lib/duration.ts'
import type { FlagType } from './flag.ts'

/** Why a text is no value of this type, in the words of Go; undefined when it is one. */
export function problemOf(type: FlagType, text: string): string | undefined {
  switch (type) {
    case 'bool':
      return isTrue(text) === undefined ? `strconv.ParseBool: parsing ${quote(text)}: invalid syntax` : undefined
    case 'int':
    case 'count':
      return /^[+-]?\d+$/.test(text) ? undefined : `strconv.ParseInt: parsing ${quote(text)}: invalid syntax`
    case 'duration':
      return durationProblem(text)
    case 'stringToString':
      return splitList(text)
        .filter((pair) => !pair.includes('='))
        .map((pair) => `${pair} must be formatted as key=value`)[0]
    case 'string':
    case 'strings':
      return undefined
  }
}

/** Go's words for true and false. */
export function isTrue(text: string): boolean | undefined {
  if (/^(?:1|t|T|true|TRUE|True)$/.test(text)) return true
  return /^(?:0|f|F|false|FALSE|False)$/.test(text) ? false : undefined
}

/** Texts with commas between; a quoted one may hold commas. */
export function splitList(text: string): string[] {
  if (text === '') return []
  const cells: string[] = []
  for (let rest = text; ; ) {
    const [cell = ''] = /^(?:"(?:[^"]|"")*"|[^,]*)/.exec(rest) ?? []
    cells.push(/^".*"$/s.test(cell) ? cell.slice(1, -1).replaceAll('""', '"') : cell)
    if (rest.length === cell.length) return cells
    rest = rest.slice(cell.length + 1)
  }
}

function durationProblem(text: string): string | undefined {
  if (goDurationMs(text) !== undefined) return undefined
  const isNumber = /^[+-]?(?:\d+\.?\d*|\.\d+)$/.test(text)
  const [, unit] = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:h|ms|m|s|us|µs|ns))*(?:\d+\.?\d*|\.\d+)([^\d.]+)/.exec(text) ?? []
  if (isNumber) return `time: missing unit in duration ${quote(text)}`
  return unit ? `time: unknown unit ${quote(unit)} in duration ${quote(text)}` : `time: invalid duration ${quote(text)}`
}

/** Milliseconds of a duration as Go writes it. */
export function goDurationMs(text: string): number | undefined {
  return /^[+-]?0$/.test(text) ? 0 : parseDuration(text)
}

/** As Go's %q. */
export function quote(text: string): string {
  return JSON.stringify(text)
}
