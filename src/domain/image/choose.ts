import type { Reason } from '../status/reason.ts'
import type { RepositoryFacts, TagFact } from './facts.ts'
import { type CreatedOf, compareTags, type Policy } from './policy.ts'

/** What a policy says about a container, and why, in words for people. */
export type Choice =
  | { choice: 'keep'; why: string }
  | { choice: 'change'; tag: string; digest?: string; why: string }
  | { choice: 'hold'; reason: Reason; why: string }

/** The image that a container has now, as far as a policy looks at it. */
export type Current = { tag?: string | undefined; digest?: string | undefined }

/** A policy that wants a time or a digest beside an order of its own looks at so many of the first tags (ruling 16). */
const deepest = 100

/**
 * Tags whose image must be looked at before the policy can choose: where the time decides those that match, and the current one where
 * it matches and is no longer listed; else the first ones, as far as an age or a digest is wanted of them.
 */
export function tagsToDescribe(policy: Policy, current: Current, tags: readonly string[]): string[] {
  const matching = tags.filter((tag) => policy.part(tag) !== undefined)
  if (policy.order !== 'created') {
    const depth = policy.minAgeMs > 0 ? deepest : wantsDigest(policy, current) ? 1 : 0
    return depth === 0 ? [] : matching.toSorted(compareTags(policy, () => undefined)).slice(0, depth)
  }
  const { tag } = current
  const isMissing = tag !== undefined && policy.part(tag) !== undefined && !tags.includes(tag)
  return isMissing ? [...matching, tag] : matching
}

/**
 * The top of the tags that match, whatever the order in which they are given. The current tag is in the way only where it matches,
 * too, and comes before that top (ruling 16): then it stays, reason `WouldDowngrade`. A current tag that does not match is replaced,
 * which is how people go back. A tag whose image has no time where one is wanted, or could not be read, is no candidate (hazard E5).
 * With a digest to pin, the same tag with another digest is a change, too. `now` in milliseconds since 1970.
 */
export function chooseTag(policy: Policy, current: Current, facts: RepositoryFacts, now: number): Choice {
  const compare = compareTags(policy, createdIn(facts))
  const matching = facts.tags.filter((tag) => policy.part(tag) !== undefined)
  const top = matching
    .filter((tag) => shortOf(policy, facts.described.get(tag), now) === undefined)
    .toSorted(compare)[0]
  if (top === undefined) return noCandidate(policy, matching.length, facts.tags.length)
  const by = `${orderWords[policy.order]} of ${count(matching.length)} for ${policy.text}`
  const digest = wantsDigest(policy, current) ? facts.described.get(top)?.digest : undefined
  if (current.tag === top) {
    if (!digest || digest === current.digest) return { choice: 'keep', why: `${top} is the ${by}` }
    const why = current.digest ? `${top} is another image now` : `${top} is the ${by}; its digest is pinned`
    return { choice: 'change', tag: top, digest, why }
  }
  const doubt = current.tag === undefined ? undefined : doubtAbout(current.tag, top, policy, facts)
  return doubt ?? { choice: 'change', tag: top, ...(digest ? { digest } : {}), why: by }
}

const orderWords: Readonly<Record<Policy['order'], string>> = {
  created: 'newest',
  version: 'highest',
  number: 'highest',
  text: 'last in the alphabet',
}

/** What is pinned stays pinned. */
function wantsDigest(policy: Policy, current: Current): boolean {
  return policy.pinsDigest || current.digest !== undefined
}

/** By tag, the time of its image. */
export function createdIn(facts: RepositoryFacts): CreatedOf {
  return (tag) => facts.described.get(tag)?.created
}

/** What a matching tag's image lacks to be a candidate, in words for people. */
export function shortOf(policy: Policy, fact: TagFact | undefined, now: number): string | undefined {
  if (policy.order !== 'created' && policy.minAgeMs === 0 && !policy.pinsDigest) return undefined
  if (!fact) return 'its image has not been looked at'
  if (fact.digest === '') return 'the registry has no image of that name'
  if (fact.created === undefined) {
    return policy.order === 'created' || policy.minAgeMs > 0 ? 'its image does not say when it was made' : undefined
  }
  return now - fact.created < policy.minAgeMs ? 'its image is younger than the minimum age' : undefined
}

function noCandidate(policy: Policy, matching: number, all: number): Choice {
  if (matching === 0) return { choice: 'hold', reason: 'NoTag', why: `none of ${count(all)} matches ${policy.text}` }
  const lack = policy.minAgeMs > 0 ? 'a readable image that is old enough' : 'an image with a readable time'
  return { choice: 'hold', reason: 'NoTag', why: `of the ${count(matching)} for ${policy.text} none has ${lack}` }
}

/** Why the current tag should not be left, as far as is known. */
function doubtAbout(current: string, top: string, policy: Policy, facts: RepositoryFacts): Choice | undefined {
  if (policy.part(current) === undefined) return undefined
  const fact = facts.described.get(current)
  if (policy.order === 'created' && !fact) {
    const why = `the time of the current tag ${current} could not be read, so nobody knows whether ${top} is newer`
    return { choice: 'hold', reason: 'RegistryUnreachable', why }
  }
  if (policy.order === 'created' && fact?.created === undefined) return undefined
  if (compareTags(policy, createdIn(facts))(current, top) >= 0) return undefined
  const why = `the current tag ${current} comes before ${top}, the first of those in the registry for ${policy.text}`
  return { choice: 'hold', reason: 'WouldDowngrade', why }
}

function count(tags: number): string {
  return tags === 1 ? '1 tag' : `${tags} tags`
}
