import type { SourceSpec } from './spec.ts'

type Named = Pick<SourceSpec, 'namespace' | 'name' | 'dependsOn'>

/**
 * The names along a circle of dependencies that leads back to this source, itself first and last; undefined when there is none.
 * Only the sources on the circle are refused: one that merely depends on it waits.
 */
export function findCycle(start: Named, sources: readonly Named[]): string[] | undefined {
  const byName = new Map(sources.map((source) => [nameOf(source), source]))
  const seen = new Set<string>()

  function walk(source: Named, path: readonly string[]): string[] | undefined {
    for (const dependency of source.dependsOn) {
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

/** The sources that wait for this one. */
export function dependentsOf<T extends Named>(source: { namespace: string; name: string }, sources: readonly T[]): T[] {
  return sources.filter(({ dependsOn }) => dependsOn.some((one) => nameOf(one) === nameOf(source)))
}

function nameOf({ namespace, name }: { namespace: string; name: string }): string {
  return `${namespace}/${name}`
}
