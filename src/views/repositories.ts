import type { Store } from '../adapters/store/index.ts'
import { describedKey, type RepositoryFacts, readDescribed, readTags, tagsKey } from '../domain/image/facts.ts'

/** What scans have left in the store about these canonical repositories; nothing is asked of a registry. */
export async function readRepositories(
  names: Iterable<string>,
  store: Pick<Store, 'get'>,
): Promise<Map<string, RepositoryFacts>> {
  const found = new Map<string, RepositoryFacts>()
  await Promise.all(
    [...new Set(names)].map(async (name) => {
      const [tags, described] = await Promise.all([store.get(tagsKey(name)), store.get(describedKey(name))])
      const stored = readTags(tags)
      if (stored?.at) found.set(name, { tags: stored.tags, described: readDescribed(described) })
    }),
  )
  return found
}
