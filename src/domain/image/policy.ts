import { parseConstraint } from '../semver/constraint.ts'
import { compareVersions, parseVersion } from '../semver/version.ts'
import { makeGlob } from './glob.ts'

/** Which tags a container may take, and which of them comes first. */
export type Policy = {
  /** As people write it, with its prefix. */
  text: string
  /** `created`: newest first by the time in the image. `version`: highest first; needs nothing but the tags. */
  order: 'created' | 'version'
  matches(tag: string): boolean
}

/** Milliseconds since 1970 by tag; undefined where the image says nothing. */
export type CreatedOf = (tag: string) => number | undefined

/** Any tag, newest first: what a container without a filter has (flux-v1 §15). */
export const anyTag = 'glob:*'

const maxLength = 256
const regexpPrefixes = ['regexp:', 'regex:']

/**
 * Reads a tag filter (flux-v1 §15): `glob:` (also without a prefix) or `semver:`; what follows the prefix is literal. The ancestor
 * let a wrong pattern match everything; here it is a problem, told in words for people.
 */
export function parsePolicy(text: string): { policy: Policy } | { problem: string } {
  if (text.length > maxLength) return { problem: `the tag filter is longer than ${maxLength} characters` }
  if (regexpPrefixes.some((prefix) => text.startsWith(prefix)))
    return { problem: 'regexp: tag filters are not supported yet; use glob: or semver:' }
  if (text.startsWith('semver:')) return parseSemver(text)
  const pattern = text.startsWith('glob:') ? text.slice('glob:'.length) : text
  const matchesGlob = makeGlob(pattern)
  const matches = (tag: string) => matchesGlob(tag) && (!isLatest(tag) || pattern === 'latest')
  return { policy: { text: `glob:${pattern}`, order: 'created', matches } }
}

function parseSemver(text: string): { policy: Policy } | { problem: string } {
  const isInRange = parseConstraint(text.slice('semver:'.length))
  if (!isInRange) return { problem: `'${text}' is not a valid range of versions` }
  const matches = (tag: string) => {
    const version = parseVersion(tag)
    return version !== undefined && isInRange(version)
  }
  return { policy: { text, order: 'version', matches } }
}

/** The tag `latest` moves by nature; only a filter that names it takes it (flux-v1 §15). */
function isLatest(tag: string): boolean {
  return tag.toLowerCase() === 'latest'
}

/**
 * Negative when `a` is to be preferred (flux-v1 §15). By time: newest first, then by name; an image without a time comes last. By
 * version: highest first, then by name backwards, so that 1.10.0 comes before 1.10.
 */
export function compareTags(policy: Policy, createdOf: CreatedOf): (a: string, b: string) => number {
  if (policy.order === 'created') {
    return (a, b) => {
      const [left, right] = [createdOf(a) ?? Number.NEGATIVE_INFINITY, createdOf(b) ?? Number.NEGATIVE_INFINITY]
      return left === right ? compareText(a, b) : right > left ? 1 : -1
    }
  }
  return (a, b) => {
    const [left, right] = [parseVersion(a), parseVersion(b)]
    if (!left || !right) return left ? -1 : right ? 1 : compareText(b, a)
    return compareVersions(right, left) || compareText(b, a)
  }
}

function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
