import type { RepositoryFacts } from './facts.ts'
import { compareTags, type Policy, parsePolicy, type PolicyText } from './policy.ts'
import { newestLooking } from './newest-looking.ts'
import type { ImageRef } from './ref.ts'
import { parseVersion } from '../semver/version.ts'
import { anyTag } from './tag-filter.ts'

/** One image of a repository, as far as it is known. */
export type KnownImage = { tag: string; digest: string; created?: number }

/** What is known of a repository, and why the last try to read it failed, in words for people. */
export type StoredFacts = RepositoryFacts & { failure?: string }

/** What is known of the images that a container could have. */
export type KnownImages = {
  current: KnownImage
  /** All, best first by the container's policy; where the time decides, those without one last, the newest-looking first. */
  all: KnownImage[]
  /** Those that the policy takes, in the same order. */
  filtered: KnownImage[]
  /** The best of those; absent where none is, or the times that decide are not known. */
  wanted?: KnownImage
  /** How many of either come before the current one; absent where the times that decide are not known. */
  newer?: number
  newerFiltered?: number
  /** Why nothing is known, or why the policy takes nothing; empty where there is no problem. */
  problem: string
}

/** The images of a container's repository in the order of its policy (flux-v1 §§15, 23); reads nothing but what is known. */
export function knownImages(
  { image, policy: given }: { image: ImageRef; policy: PolicyText },
  facts: StoredFacts | undefined,
): KnownImages {
  const read = parsePolicy(given)
  const { policy, problem } = 'policy' in read ? { ...read, problem: '' } : { ...anyPolicy(), problem: read.problem }
  const order = orderBy(shownOrder(policy, given), facts)
  const of = (tag: string): KnownImage => {
    const { digest = '', created } = facts?.described.get(tag) ?? {}
    return { tag, digest, ...(created === undefined ? {} : { created }) }
  }
  const tags = order.sorted(facts?.tags ?? [])
  const accepted = problem === '' ? tags.filter((tag) => policy.part(tag) !== undefined) : []
  const currentTag = image.tag ?? ''
  const [wanted, newer, newerFiltered] = [
    order.best(accepted),
    order.countBefore(currentTag, tags),
    order.countBefore(currentTag, accepted),
  ]
  return {
    current: of(currentTag),
    all: tags.map(of),
    filtered: accepted.map(of),
    ...(wanted === undefined ? {} : { wanted: of(wanted) }),
    ...(newer === undefined ? {} : { newer }),
    ...(newerFiltered === undefined ? {} : { newerFiltered }),
    problem: problemOf(problem, facts),
  }
}

function problemOf(ofPolicy: string, facts: StoredFacts | undefined): string {
  const { tags = [], failure } = facts ?? {}
  if (tags.length === 0) return failure ?? noData
  return ofPolicy || (failure ?? '')
}

/** Tags in the order of a policy; undefined where the times that decide are not known. */
type Order = {
  sorted(tags: readonly string[]): string[]
  best(sorted: readonly string[]): string | undefined
  countBefore(current: string, tags: readonly string[]): number | undefined
}

function orderBy(policy: Policy, facts: RepositoryFacts | undefined): Order {
  const createdOf = (tag: string): number | undefined => facts?.described.get(tag)?.created
  const compare = compareTags(policy, createdOf)
  const count = (current: string, tags: readonly string[]): number =>
    tags.filter((tag) => tag !== current && compare(tag, current) < 0).length
  if (policy.order !== 'created')
    return { sorted: (tags) => tags.toSorted(compare), best: ([first]) => first, countBefore: count }
  const hasTime = (tag: string): boolean => createdOf(tag) !== undefined
  return {
    sorted(tags) {
      const untimed = tags.filter((tag) => !hasTime(tag))
      return [...tags.filter(hasTime).toSorted(compare), ...newestLooking(untimed, untimed.length)]
    },
    best: (sorted) => (areTimed(sorted, facts) ? sorted.find(hasTime) : undefined),
    countBefore(current, tags) {
      if (tags.length === 0) return 0
      return hasTime(current) && areTimed(tags, facts) ? count(current, tags) : undefined
    },
  }
}

/**
 * Whether the times tell which of these tags is the newest: all were looked at, or what was not is a version lower than so many that
 * were. Of names that are no versions nobody knows.
 */
function areTimed(tags: readonly string[], facts: RepositoryFacts | undefined): boolean {
  const isSeen = (tag: string): boolean => facts?.described.has(tag) === true
  if (tags.every(isSeen)) return true
  return newestLooking(tags, tags.length).every(
    (tag, place) => isSeen(tag) || (place >= shown && parseVersion(tag) !== undefined),
  )
}

/** Whether a person who looks at the images would miss something: nothing is known, or not what the newest-looking ones are. */
export function isPoor(facts: StoredFacts | undefined): boolean {
  if (!facts || (facts.tags.length === 0 && facts.failure !== undefined)) return true
  return newestLooking(facts.tags, shown).some((tag) => !facts.described.has(tag))
}

/** As many as fluxctl shows by itself. */
const shown = 10

/** What fluxctl says itself where it is told nothing. */
const noData = 'image data not available'

function anyPolicy(filter = anyTag): { policy: Policy } {
  const read = parsePolicy({ filter })
  if ('problem' in read) throw new Error(read.problem)
  return read
}

/** Versions outside of the range have their place among the others, so that one sees what a wider range would take. */
function shownOrder(policy: Policy, { extract }: PolicyText): Policy {
  return policy.order === 'version' && extract === undefined ? anyPolicy('semver:>=0.0.0-0').policy : policy
}
