/** Keys and indexes from an object down to one of its values. */
export type Path = readonly (string | number)[]

/** What stands at a path; undefined where the way does not exist. Only an object's own fields count. */
export function valueAt(value: unknown, path: Path): unknown {
  let found = value
  for (const step of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) return undefined
    found = (found as Record<string | number, unknown>)[step]
  }
  return found
}
