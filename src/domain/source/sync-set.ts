import { syncSetName } from '../manifest/gc-mark.ts'
import { safeUrl } from './git-url.ts'
import type { SourceSpec } from './spec.ts'

/**
 * Names the set of objects that a source owns; part of each object's gc mark. The flag source has fluxd's name, byte for byte
 * (W13), which changes with URL, branch and paths; a Source object's stays whatever becomes of those (complaint 27).
 */
export function syncSetOf(
  spec: Pick<SourceSpec, 'origin' | 'namespace' | 'name' | 'url' | 'branch' | 'paths'>,
): string {
  const { origin, namespace, name, url, branch, paths } = spec
  if (origin === 'flags') return syncSetName({ safeUrl: safeUrl(url), branch, paths })
  return syncSetName({ safeUrl: 'capstan.dev/Source', branch: `${namespace}/${name}`, paths: [] })
}

const mostSets = 20

/**
 * The names of all sets whose mark an object of this source may carry: the one of now, then those that it had before URL, branch or
 * paths were changed, the newest first and 20 at most. `known`: what this gave the last time. A Source object has one name for ever,
 * and whoever may write ConfigMaps beside it could add another source's to what is known: there it counts for nothing.
 */
export function syncSetsOf(spec: Parameters<typeof syncSetOf>[0], known: readonly string[] = []): string[] {
  const now = syncSetOf(spec)
  if (spec.origin !== 'flags') return [now]
  return [now, ...known.filter((set) => set !== now)].slice(0, mostSets)
}
