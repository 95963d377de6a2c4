/** A map of which nothing is known. */
export type Raw = Readonly<Record<string, unknown>>

/** The map itself; empty for everything else. */
export function mapOf(value: unknown): Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Raw) : {}
}

/** The list itself; empty for everything else. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** The text itself; empty for everything else. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
