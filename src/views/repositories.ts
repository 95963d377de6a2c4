import type { Store } from '../adapters/store/index.ts'
import { describedKey, readDescribed, readTags, tagsKey, withLabelTimes } from '../domain/image/facts.ts'
import type { StoredFacts } from '../domain/image/known-images.ts'

/**
 * What scans have left in the store about these canonical repositories, with the times that count for them; nothing is asked of a
 * registry.
 */
export async function readRepositories(
  names: Iterable<string>,
  { store, usesLabels }: { store: Pick<Store, 'get'>; usesLabels: (repository: string) => boolean },
): Promise<Map<string, StoredFacts>> {
  const found = new Map<string, StoredFacts>()
  await Promise.all(
    [...new Set(names)].map(async (name) => {
      const [tags, described] = await Promise.all([store.get(tagsKey(name)), store.get(describedKey(name))])
      const stored = readTags(tags)
      if (!stored || (stored.at === '' && !stored.failure)) return
      const facts = readDescribed(described)
      found.set(name, {
        tags: stored.tags,
        described: usesLabels(name) ? withLabelTimes(facts) : facts,
        ...(stored.failure ? { failure: stored.failure.message } : {}),
      })
    }),
  )
  return found
}
