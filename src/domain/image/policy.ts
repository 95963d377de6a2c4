import { parseDuration } from '../../lib/duration.ts'
import { compareVersions, parseVersion } from '../semver/version.ts'
import { makeGlob } from './glob.ts'
import { makeFinder } from './go-regexp.ts'
import { isLatest, longestPattern, parseTagFilter, type TagOrder } from './tag-filter.ts'

/** What git says about the tags of one container, as it stands there. */
export type PolicyText = {
  /** The tag filter (flux-v1 §15). */
  filter: string
  /** `capstan.dev/extract`: an expression; the filter sees its first group in place of the tag. */
  extract?: string
  /** `capstan.dev/deny`: globs, with commas between; such tags are never taken. */
  deny?: string
  /** `capstan.dev/min-age`: how old an image must be. */
  minAge?: string
  /** `capstan.dev/pin`: `digest` writes the digest behind the tag. */
  pin?: string
}

/** Which tags a container may take, and which of them comes first. */
export type Policy = {
  /** As people write it, with its prefix. */
  text: string
  order: TagOrder
  /** The part of a tag that is compared; undefined for a tag that may not be taken. */
  part(tag: string): string | undefined
  /** Which rule keeps a tag out, in words for people; undefined when none does. */
  refusal(tag: string): string | undefined
  /** Milliseconds; an image must be at least so old. */
  minAgeMs: number
  /** The digest of the image is written behind its tag. */
  pinsDigest: boolean
}

/** Milliseconds since 1970 by tag; undefined where the image says nothing. */
export type CreatedOf = (tag: string) => number | undefined

/** Reads what git says; a rule that cannot be read is a problem, told in words for people, and nothing is taken. */
export function parsePolicy(given: PolicyText): { policy: Policy } | { problem: string } {
  const { extract, deny = '', minAge, pin } = given
  const read = parseTagFilter(given.filter)
  if ('problem' in read) return read
  const find = extract === undefined ? (tag: string) => tag : extract.length <= longestPattern && makeFinder(extract)
  if (!find) return { problem: `capstan.dev/extract: '${extract}' is not a valid regular expression` }
  const minAgeMs = minAge === undefined ? 0 : parseDuration(minAge)
  if (minAgeMs === undefined) return { problem: `capstan.dev/min-age: '${minAge}' is no duration such as 24h` }
  if (pin !== undefined && pin !== 'digest')
    return { problem: `capstan.dev/pin: '${pin}' is unknown; it can be digest` }
  const { filter } = read
  const denied = deny.split(',').flatMap((part) => (part.trim() ? [part.trim()] : []))
  const denials = denied.map((glob) => ({ glob, matches: makeGlob(glob) }))
  const shown = extract === undefined ? filter.text : `${filter.text} of ${extract}`

  function partOf(tag: string): string | undefined {
    const extracted = find && find(tag)
    return extracted === undefined || extracted === false ? undefined : filter.part(extracted)
  }
  function refusal(tag: string): string | undefined {
    const denial = denials.find(({ matches }) => matches(tag))
    if (denial) return `denied by ${denial.glob}`
    if (partOf(tag) !== undefined) return undefined
    return isLatest(tag) ? 'is taken only by glob:latest' : `does not match ${shown}`
  }
  const part = (tag: string) => (denials.some(({ matches }) => matches(tag)) ? undefined : partOf(tag))
  return { policy: { text: shown, order: filter.order, part, refusal, minAgeMs, pinsDigest: pin === 'digest' } }
}

/**
 * Negative when `a` is to be preferred (flux-v1 §15). By time: newest first, then by name; an image without a time comes last. By
 * version: highest first, then by name backwards, so that 1.10.0 comes before 1.10. By number or text: highest first. Tags that the
 * policy refuses come last.
 */
export function compareTags(policy: Policy, createdOf: CreatedOf): (a: string, b: string) => number {
  if (policy.order === 'created') {
    return (a, b) => {
      const [left, right] = [createdOf(a) ?? Number.NEGATIVE_INFINITY, createdOf(b) ?? Number.NEGATIVE_INFINITY]
      return left === right ? compareText(a, b) : right > left ? 1 : -1
    }
  }
  const compareParts = { version: compareAsVersions, number: compareAsNumbers, text: compareText }[policy.order]
  return (a, b) => {
    const [left, right] = [policy.part(a), policy.part(b)]
    if (left === undefined || right === undefined)
      return left !== undefined ? -1 : right !== undefined ? 1 : compareText(b, a)
    return compareParts(right, left) || compareText(b, a)
  }
}

function compareAsVersions(a: string, b: string): number {
  const [left, right] = [parseVersion(a), parseVersion(b)]
  return left && right ? compareVersions(left, right) : 0
}

/** Digits and perhaps a fraction, of any length. */
function compareAsNumbers(a: string, b: string): number {
  const [whole = '', fraction = ''] = a.split('.')
  const [otherWhole = '', otherFraction = ''] = b.split('.')
  const [left, right] = [BigInt(whole), BigInt(otherWhole)]
  if (left !== right) return left < right ? -1 : 1
  return compareText(fraction.replace(/0+$/, ''), otherFraction.replace(/0+$/, ''))
}

function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
