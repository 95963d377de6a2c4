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
 * The JSON of an event or a record, at most 8 KB: long lists and texts lose their ends, the same part of each. Undefined when even that
 * is too much.
 */
export function fitJson(value: object): string | undefined {
  const whole = JSON.stringify(value)
  if (bytesOf(whole) <= mostBytes) return whole
  return steps
    .map(([entries, letters]) => JSON.stringify(cut(value, entries, letters)))
    .find((text) => bytesOf(text) <= mostBytes)
}

function cut(value: unknown, entries: number, letters: number): unknown {
  if (typeof value === 'string') return value.length > letters ? `${value.slice(0, letters - 1)}…` : value
  if (Array.isArray(value)) return value.slice(0, entries).map((one) => cut(one, entries, letters))
  if (typeof value !== 'object' || value === null) return value
  const all = Object.entries(value)
  // no type of ours has so many fields: it is a map
  const some = all.length > 20 ? all.slice(0, Math.max(entries, 1)) : all
  return Object.fromEntries(some.map(([key, one]) => [key, cut(one, entries, letters)]))
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length
}
