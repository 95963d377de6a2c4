import type { RepositoryFacts } from './facts.ts'
import { compareTags, type Policy, parsePolicy, type PolicyText } from './policy.ts'
import { newestLooking } from './newest-looking.ts'
import type { ImageRef } from './ref.ts'
import { anyTag } from './tag-filter.ts'

/** One image of a repository, as far as it is known. */
export type KnownImage = { tag: string; digest: string; created?: number }

/** What is known of the images that a container could have. */
export type KnownImages = {
  current: KnownImage
  /** All, best first by the container's policy. */
  all: KnownImage[]
  /** Those that the policy takes, in the same order. */
  filtered: KnownImage[]
  /** How many of either come before the current one. */
  newer: number
  newerFiltered: number
  /** Why nothing is known, or why the policy takes nothing; empty where there is no problem. */
  problem: string
}

/** The images of a container's repository in the order of its policy (flux-v1 §§15, 23); reads nothing but what is known. */
export function knownImages(
  { image, policy: given }: { image: ImageRef; policy: PolicyText },
  facts: RepositoryFacts | undefined,
): KnownImages {
  const read = parsePolicy(given)
  const { policy, problem } = 'policy' in read ? { ...read, problem: '' } : { ...anyPolicy(), problem: read.problem }
  const createdOf = (tag: string): number | undefined => facts?.described.get(tag)?.created
  const compare = compareTags(shownOrder(policy, given), createdOf)
  const of = (tag: string): KnownImage => {
    const { digest = '', created } = facts?.described.get(tag) ?? {}
    return { tag, digest, ...(created === undefined ? {} : { created }) }
  }
  const tags = [...(facts?.tags ?? [])].sort(compare)
  const accepted = problem === '' ? tags.filter((tag) => policy.part(tag) !== undefined) : []
  const currentTag = image.tag ?? ''
  const isNewer = (tag: string): boolean => tag !== currentTag && compare(tag, currentTag) < 0
  return {
    current: of(currentTag),
    all: tags.map(of),
    filtered: accepted.map(of),
    newer: tags.filter(isNewer).length,
    newerFiltered: accepted.filter(isNewer).length,
    problem: tags.length === 0 ? noData : problem,
  }
}

/** Whether a person who looks at the images would miss something: nothing is known, or not what the newest-looking ones are. */
export function isPoor(facts: RepositoryFacts | undefined): boolean {
  return !facts || newestLooking(facts.tags, shown).some((tag) => !facts.described.has(tag))
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
