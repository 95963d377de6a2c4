import { createHash } from 'node:crypto'

/**
 * Digest of what a manifest says, whatever the order of its keys: 40 hex digits. Takes the place of fluxd's checksum, which was
 * taken over its own YAML (W13).
 */
export function digestOf(value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('hex').slice(0, 40)
}

/** JSON with sorted keys; bigint as its digits. Fields that are undefined do not exist. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item ?? null)).join(',')}]`
  if (typeof value === 'bigint') return value.toString()
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null'
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join(',')}}`
}
