/** The same map with its keys by name, as Go writes one. */
export function sortKeys<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1))) as T
}
