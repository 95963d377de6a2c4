import type { Store } from '../adapters/store/index.ts'
import {
  describedKey,
  readDescribed,
  readTags,
  scopeKey,
  type StoredTags,
  type TagFact,
  tagsKey,
  withLabelTimes,
} from '../domain/image/facts.ts'
import type { StoredFacts } from '../domain/image/known-images.ts'
import type { ViewsOptions } from './views-options.ts'

/** A repository that a workload of a namespace uses. */
export type UsedRepository = { namespace: string; repository: string }
export type RepositoryLookup = (used: UsedRepository) => StoredFacts | undefined
type Options = { store: Pick<Store, 'get'>; images?: ViewsOptions['images'] | undefined }

/**
 * What scans have left in the store about these canonical repositories, with the times that count for them; nothing is asked of a
 * registry. With `--tenants` it is what was read for the namespace.
 */
export async function readRepositories(wanted: Iterable<UsedRepository>, options: Options): Promise<RepositoryLookup> {
  const found = new Map<string, StoredFacts | undefined>()
  const asked = new Map([...wanted].map((used) => [keyOf(used), used]))
  await Promise.all([...asked].map(async ([key, used]) => void found.set(key, await readOne(used, options))))
  return (used) => found.get(keyOf(used))
}

function keyOf({ namespace, repository }: UsedRepository): string {
  return `${namespace} ${repository}`
}

async function readOne(used: UsedRepository, options: Options): Promise<StoredFacts | undefined> {
  const { stored, described } = await readStored(used, options)
  if (!stored || (stored.at === '' && !stored.failure)) return undefined
  return { tags: stored.tags, described, ...(stored.failure ? { failure: stored.failure.message } : {}) }
}

/** The same as it is stored. */
export async function readStored(
  { namespace, repository }: UsedRepository,
  { store, images }: Options,
): Promise<{ stored: StoredTags | undefined; described: Map<string, TagFact> }> {
  const scope = images?.areTenants ? await store.get(scopeKey(namespace, repository)) : ''
  if (scope === undefined) return { stored: undefined, described: new Map() }
  const [tags, text] = await Promise.all([
    store.get(tagsKey(repository, scope)),
    store.get(describedKey(repository, scope)),
  ])
  const facts = readDescribed(text)
  return { stored: readTags(tags), described: images?.usesLabels(repository) ? withLabelTimes(facts) : facts }
}
