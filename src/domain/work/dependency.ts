type Name = { namespace: string; name: string }
type Named = Name & { dependsOn: readonly Name[] }

/**
 * The names along a circle of dependencies that leads back to where it begins, itself first and last; undefined when there is none.
 * Only what is on the circle is refused: what merely depends on it waits.
 */
export function findCycle(start: Named, all: readonly Named[]): string[] | undefined {
  if (start.dependsOn.length === 0) return undefined
  const byName = new Map(all.map((one) => [nameOf(one), one]))
  const seen = new Set<string>()

  function walk(from: Named, path: readonly string[]): string[] | undefined {
    for (const dependency of from.dependsOn) {
      const name = nameOf(dependency)
      if (name === nameOf(start)) return [...path, name]
      const next = byName.get(name)
      if (!next || seen.has(name)) continue
      seen.add(name)
      const found = walk(next, [...path, name])
      if (found) return found
    }
    return undefined
  }

  return walk(start, [nameOf(start)])
}

/** What waits for this one. */
export function dependentsOf<T extends Named>(one: Name, all: readonly T[]): T[] {
  const isOne = ({ namespace, name }: Name): boolean => name === one.name && namespace === one.namespace
  return all.filter(({ dependsOn }) => dependsOn.some(isOne))
}

function nameOf({ namespace, name }: Name): string {
  return `${namespace}/${name}`
}
