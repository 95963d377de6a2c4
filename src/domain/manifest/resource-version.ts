/**
 * Whether a resource version is older than another of the same kind: they are numbers that grow (KEP-5504). Nothing is older than an
 * empty one.
 */
export function isOlderVersion(a: string, b: string): boolean {
  return a.length === b.length ? a < b : a.length < b.length
}
