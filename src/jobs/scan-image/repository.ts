import pLimit from 'p-limit'
import type { Logins, Registry, RegistryAccess } from '../../adapters/registry/index.ts'
import type { Store } from '../../adapters/store/index.ts'
import { type AppError, toAppError } from '../../domain/error.ts'
import {
  describedKey,
  factsKeptMs,
  isDue,
  nextFact,
  printDescribed,
  type RepositoryFacts,
  readDescribed,
  readTags,
  type TagFact,
  tagsKey,
  timesOf,
  withLabelTimes,
} from '../../domain/image/facts.ts'
import { splitRepository } from '../../domain/image/ref.ts'
import { type Accesses, type Ways, waysOf } from './ways.ts'

export type RepositoryDeps = {
  registry: Pick<Registry, 'tags' | 'digest' | 'describe'>
  store: Pick<Store, 'get' | 'set'>
  now: () => Date
  /** A login that was refused is asked for anew next time. */
  logins: Pick<Logins, 'refused'>
  /** Whether the labels of a repository's images give their time (`--registry-use-labels`). */
  usesLabels: (repository: string) => boolean
}

export type RepositoryRead = {
  /** Canonical name. */
  repository: string
  /** Of whom what is known is shared (scope.ts). */
  scope: string
  /** The ways to reach it, the best first; asked for only when something must be read from the registry. */
  accesses: Accesses
  /** Which tags' images must be looked at, given the list. */
  needed: (tags: readonly string[]) => Iterable<string>
  /** `registry`: list the tags anew. `store`: take the stored list where there is one. */
  from: 'registry' | 'store'
}

/** `unread`: tags whose image could not be looked at this time; `looked`: those whose was; `moved`: the list is not the stored one. */
export type RepositoryFound = RepositoryFacts & { unread: number; looked: number; moved: boolean }

/** Looked at together; the registry adapter has a limit for each host besides. */
const atOnce = 10
/** What was read is stored after so many, so that a scan that is killed or slowed down goes on where it was. */
const storeEvery = 200

/**
 * What is known of a repository, read from the registry as far as it is not, and stored. A tag that cannot be looked at is counted
 * and left out, unless it is so for all of them. Throws the registry's AppError; the failure is stored beside what was known.
 */
export async function readRepository(
  read: RepositoryRead,
  deps: RepositoryDeps,
  signal: AbortSignal,
): Promise<RepositoryFound> {
  const { repository, scope, accesses } = read
  const refused = (): void => deps.logins.refused(splitRepository(repository)?.host ?? '')
  const ways = waysOf(accesses, refused)
  const stored = readTags(await deps.store.get(tagsKey(repository, scope)))
  try {
    const tags = read.from === 'store' && stored?.at ? stored.tags : await listTags(read, ways, deps, signal)
    const described = readDescribed(await deps.store.get(describedKey(repository, scope)))
    const counts = await describe(read, { tags, described, ways }, deps, signal)
    const moved = tags.join(' ') !== stored?.tags.join(' ')
    return { tags, described: deps.usesLabels(repository) ? withLabelTimes(described) : described, ...counts, moved }
  } catch (error) {
    const { reason, message } = toAppError(error)
    if (reason === 'RegistryAuthFailed') refused()
    if (!signal.aborted) {
      const at = deps.now().toISOString()
      const failed = { ...(stored ?? { at: '', tags: [] }), failure: { at, reason, message } }
      await deps.store.set(tagsKey(repository, scope), JSON.stringify(failed), { ttlMs: factsKeptMs })
    }
    throw error
  }
}

async function listTags(
  { repository, scope }: RepositoryRead,
  ways: Ways,
  deps: RepositoryDeps,
  signal: AbortSignal,
): Promise<string[]> {
  const tags = await ways.use(async (access) => await deps.registry.tags(repository, access, signal))
  const stored = JSON.stringify({ at: deps.now().toISOString(), tags })
  await deps.store.set(tagsKey(repository, scope), stored, { ttlMs: factsKeptMs })
  return tags
}

/** Adds to `described` what is missing or due; gives how many were looked at, and how many could not be. */
async function describe(
  read: RepositoryRead,
  { tags, described, ways }: { tags: readonly string[]; described: Map<string, TagFact>; ways: Ways },
  deps: RepositoryDeps,
  signal: AbortSignal,
): Promise<{ looked: number; unread: number }> {
  const listed = new Set(tags)
  const now = deps.now().getTime()
  const due = [...read.needed(tags)].filter((tag) => isDue(described.get(tag), listed.has(tag), now))
  if (due.length === 0) return { looked: 0, unread: 0 }
  const limit = pLimit(atOnce)
  const failures: AppError[] = []
  let count = 0
  const store = async () => {
    const options = { ttlMs: factsKeptMs }
    await deps.store.set(describedKey(read.repository, read.scope), printDescribed(described), options)
  }

  async function readOne(tag: string): Promise<void> {
    signal.throwIfAborted()
    if (failures.some(endsScan)) return
    const before = described.get(tag)
    try {
      const found = await ways.use(
        async (access) => await lookAt(read.repository, { tag, before, access }, deps, signal),
      )
      described.set(tag, nextFact(before, found, deps.now().getTime()))
      if (++count % storeEvery === 0) await store()
    } catch (error) {
      signal.throwIfAborted()
      failures.push(toAppError(error))
    }
  }

  try {
    await Promise.all(due.map((tag) => limit(() => readOne(tag))))
  } finally {
    if (count > 0) await store()
  }
  const worst = failures.find(endsScan) ?? (count === 0 ? failures[0] : undefined)
  if (worst) throw worst
  return { looked: count, unread: failures.length }
}

/** Failures of the registry, not of one image. */
function endsScan({ reason }: AppError): boolean {
  return reason !== 'RegistryUnreachable'
}

/** A tag that names what it named before is not pulled again. */
async function lookAt(
  repository: string,
  { tag, before, access }: { tag: string; before: TagFact | undefined; access: RegistryAccess },
  { registry }: RepositoryDeps,
  signal: AbortSignal,
): Promise<Pick<TagFact, 'digest' | 'created' | 'labelled'>> {
  if (before && before.digest !== '' && (await registry.digest(repository, tag, access, signal)) === before.digest) {
    return { digest: before.digest, ...timesOf(before) }
  }
  return (await registry.describe(repository, tag, access, signal)) ?? { digest: '' }
}
