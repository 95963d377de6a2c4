/** Bytes of one kept event or record. */
const mostBytes = 8 * 1024
/** Entries of each list, and letters of each text, tried in turn until it fits. */
const steps = [
  [100, 2000],
  [20, 500],
  [5, 200],
  [1, 100],
] as const

/**
 * The JSON of an event or a record, at most 8 KB: long lists, maps and texts lose their ends, the same part of each; where that is not
 * enough, `metadata` goes as a whole. Undefined when even that is too much.
 */
export function fitJson(value: object): string | undefined {
  const whole = JSON.stringify(value)
  if (bytesOf(whole) <= mostBytes) return whole
  const shorter = steps.map(([entries, letters]) => cut(value, entries, letters) as object)
  const bare = 'metadata' in value ? shorter.map((one) => ({ ...one, metadata: {} })) : []
  return [...shorter, ...bare].map((one) => JSON.stringify(one)).find((text) => bytesOf(text) <= mostBytes)
}

function cut(value: unknown, entries: number, letters: number): unknown {
  if (typeof value === 'string') return value.length > letters ? `${value.slice(0, letters - 1)}…` : value
  if (Array.isArray(value)) return value.slice(0, entries).map((one) => cut(one, entries, letters))
  if (typeof value !== 'object' || value === null) return value
  const all = Object.entries(value)
  const some = isMap(all) ? all.slice(0, entries) : all
  return Object.fromEntries(some.map(([key, one]) => [key, cut(one, entries, letters)]))
}

/** No type of ours has so many fields, or fields whose names are IDs of workloads. */
function isMap(all: readonly [string, unknown][]): boolean {
  return all.length > 20 || all.some(([key]) => key.includes(':'))
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length
}
