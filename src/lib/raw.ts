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

/** Also the empty text. */
export function isText(value: unknown): value is string {
  return typeof value === 'string'
}

/** A whole number from 0 on. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** A list of nothing but such elements. */
export function isListOf<T>(value: unknown, isSuch: (element: unknown) => element is T): value is T[] {
  return Array.isArray(value) && value.every(isSuch)
}

/** Each of these fields is there and a text. */
export function hasTexts(map: Raw, fields: readonly string[]): boolean {
  return fields.every((field) => isText(map[field]))
}

/** Each of these fields is there and a number, none of them infinite. */
export function hasNumbers(map: Raw, fields: readonly string[]): boolean {
  return fields.every((field) => Number.isFinite(map[field]))
}
