import { escapeUnsafe } from './json.ts'

/** YAML for scripts and people, of what JSON can hold; texts that could be taken for something else, or move a terminal, are quoted. */
export function printYaml(value: unknown): string {
  return `${lines(JSON.parse(JSON.stringify(value)) as unknown).join('\n')}\n`
}

/** The lines of a value, without indent. */
function lines(value: unknown): string[] {
  if (Array.isArray(value)) return value.length === 0 ? ['[]'] : value.flatMap((one) => led('- ', lines(one)))
  if (typeof value !== 'object' || value === null) return [scalar(value)]
  const entries = Object.entries(value)
  return entries.length === 0 ? ['{}'] : entries.flatMap(([key, one]) => entry(scalar(key), one))
}

function entry(key: string, value: unknown): string[] {
  const [first = '', ...rest] = lines(value)
  const isEmptyOrScalar = typeof value !== 'object' || value === null || Object.keys(value).length === 0
  return isEmptyOrScalar ? [`${key}: ${first}`] : [`${key}:`, ...[first, ...rest].map((line) => `  ${line}`)]
}

function led(mark: string, [first = '', ...rest]: string[]): string[] {
  return [`${mark}${first}`, ...rest.map((line) => `${' '.repeat(mark.length)}${line}`)]
}

/** Plain where every reader of YAML takes it for the same text. */
const plain = /^[A-Za-z][\w./-]*(?:[ :@=,+][\w./-]+)*$/
const words = /^(?:true|false|yes|no|on|off|null|y|n|e\d+)$/i

function scalar(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value)
  return plain.test(value) && !words.test(value) ? value : escapeUnsafe(JSON.stringify(value))
}
