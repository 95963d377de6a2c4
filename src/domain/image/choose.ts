import type { Reason } from '../status/reason.ts'
import type { RepositoryFacts } from './facts.ts'
import { type CreatedOf, compareTags, type Policy } from './policy.ts'

/** What a policy says about a container, and why, in words for people. */
export type Choice =
  | { choice: 'keep'; why: string }
  | { choice: 'change'; tag: string; why: string }
  | { choice: 'hold'; reason: Reason; why: string }

/**
 * Tags whose image must be looked at before the policy can choose: those that match, and the current one where it matches and is no
 * longer listed. None where the tags themselves have the order.
 */
export function tagsToDescribe(policy: Policy, current: string | undefined, tags: readonly string[]): string[] {
  if (policy.order !== 'created') return []
  const needed = tags.filter((tag) => policy.matches(tag))
  const isMissing = current !== undefined && policy.matches(current) && !tags.includes(current)
  return isMissing ? [...needed, current] : needed
}

/**
 * The top of the tags that match, whatever the order in which they are given. The current tag is in the way only where it matches,
 * too, and comes before that top (ruling 16): then it stays, reason `WouldDowngrade`. A current tag that does not match is replaced,
 * which is how people go back. A tag whose image has no time, or could not be read, is no candidate (hazard E5).
 */
export function chooseTag(policy: Policy, current: string | undefined, facts: RepositoryFacts): Choice {
  const createdOf: CreatedOf = (tag) => facts.described.get(tag)?.created
  const isKnown = (tag: string) => policy.order === 'version' || createdOf(tag) !== undefined
  const matching = facts.tags.filter((tag) => policy.matches(tag))
  const compare = compareTags(policy, createdOf)
  const top = matching.filter(isKnown).toSorted(compare)[0]
  if (top === undefined) return noCandidate(policy, matching.length, facts.tags.length)
  const by = policy.order === 'created' ? 'newest' : 'highest'
  if (current === top)
    return { choice: 'keep', why: `${top} is the ${by} of ${count(matching.length)} for ${policy.text}` }
  const doubt = current === undefined ? undefined : doubtAbout(current, top, policy, facts)
  if (doubt) return doubt
  return { choice: 'change', tag: top, why: `${by} of ${count(matching.length)} for ${policy.text}` }
}

function noCandidate(policy: Policy, matching: number, all: number): Choice {
  const why =
    matching === 0
      ? `none of ${count(all)} matches ${policy.text}`
      : `of the ${count(matching)} for ${policy.text} none has an image with a readable time`
  return { choice: 'hold', reason: 'NoTag', why }
}

/** Why the current tag should not be left, as far as is known. */
function doubtAbout(current: string, top: string, policy: Policy, facts: RepositoryFacts): Choice | undefined {
  if (!policy.matches(current)) return undefined
  const fact = facts.described.get(current)
  if (policy.order === 'created' && !fact) {
    const why = `the time of the current tag ${current} could not be read, so nobody knows whether ${top} is newer`
    return { choice: 'hold', reason: 'RegistryUnreachable', why }
  }
  if (policy.order === 'created' && fact?.created === undefined) return undefined
  const compare = compareTags(policy, (tag) => facts.described.get(tag)?.created)
  if (compare(current, top) >= 0) return undefined
  const why = `the current tag ${current} comes before ${top}, the first of those in the registry for ${policy.text}`
  return { choice: 'hold', reason: 'WouldDowngrade', why }
}

function count(tags: number): string {
  return tags === 1 ? '1 tag' : `${tags} tags`
}
