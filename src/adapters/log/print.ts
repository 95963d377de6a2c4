import type { Entry } from './line.ts'

/** One line of JSON. */
export function printJson(entry: Entry): string {
  return quote(entry)
}

/** One line of logfmt, as both ancestors wrote by default. */
export function printLogfmt(entry: Entry): string {
  return Object.entries(entry)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key.replace(/[\s"=\p{C}]/gu, '_')}=${logfmtValue(value)}`)
    .join(' ')
}

function logfmtValue(value: unknown): string {
  const text = typeof value === 'string' ? value : quote(value)
  return /[\s"=\\\p{C}]|^$/u.test(text) ? quote(text) : text
}

/** JSON that shows on a terminal what it says: whatever moves the cursor or turns the writing round is escaped, too. */
function quote(value: unknown): string {
  return JSON.stringify(value).replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, escape)
}

function escape(character: string): string {
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at))
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')
}
