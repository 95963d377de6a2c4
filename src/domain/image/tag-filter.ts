import { parseConstraint } from '../semver/constraint.ts'
import { parseVersion } from '../semver/version.ts'
import { makeGlob } from './glob.ts'
import { makeFinder } from './go-regexp.ts'

/**
 * By what the tags that a filter lets through are ordered: `created` by the time in the image, newest first; the others by the tags
 * themselves, highest first.
 */
export type TagOrder = 'created' | 'version' | 'number' | 'text'

/** Which tags may be taken, and by what they are compared. */
export type TagFilter = {
  /** As people write it, with its prefix. */
  text: string
  order: TagOrder
  /** The part of a tag that is compared; undefined for a tag that the filter does not let through. */
  part(tag: string): string | undefined
}

/** Any tag, newest first: what a container without a filter has (flux-v1 §15). */
export const anyTag = 'glob:*'

/** Longest filter or expression that is read (hazard L11). */
export const longestPattern = 256

const numberPattern = /^\d+(?:\.\d+)?$/
const readers: readonly [prefix: string, read: (rest: string) => TagFilter | undefined][] = [
  ['glob:', readGlob],
  ['semver:', readSemver],
  ['regexp:', readRegexp],
  ['regex:', readRegexp],
  ['numeric:', readNumeric],
  ['alphabetical:', readAlphabetical],
]

/**
 * Reads a tag filter (flux-v1 §15): `glob:` (also without a prefix), `semver:` or `regexp:`; what follows the prefix is literal. Ours
 * besides: `numeric:` and `alphabetical:`, followed by an expression whose first group is compared. The ancestor let a wrong pattern
 * match everything; here it is a problem, told in words for people.
 */
export function parseTagFilter(text: string): { filter: TagFilter } | { problem: string } {
  if (text.length > longestPattern) return { problem: `the tag filter is longer than ${longestPattern} characters` }
  const [prefix, read] = readers.find(([one]) => text.startsWith(one)) ?? ['', readGlob]
  const filter = read(text.slice(prefix.length))
  if (filter) return { filter }
  const kind = prefix === 'semver:' ? 'range of versions' : 'regular expression'
  return { problem: `'${text}' is not a valid ${kind}` }
}

function readGlob(pattern: string): TagFilter {
  const matches = makeGlob(pattern)
  return withoutLatest({
    text: `glob:${pattern}`,
    order: 'created',
    part: (tag) => (matches(tag) ? tag : undefined),
  })
}

function readSemver(range: string): TagFilter | undefined {
  const isInRange = parseConstraint(range)
  if (!isInRange) return undefined
  return {
    text: `semver:${range}`,
    order: 'version',
    part(tag) {
      const version = parseVersion(tag)
      return version && isInRange(version) ? tag : undefined
    },
  }
}

function readRegexp(pattern: string): TagFilter | undefined {
  const find = makeFinder(pattern)
  return (
    find &&
    withoutLatest({
      text: `regexp:${pattern}`,
      order: 'created',
      part: (tag) => (find(tag) === undefined ? undefined : tag),
    })
  )
}

function readNumeric(pattern: string): TagFilter | undefined {
  const find = makeFinder(pattern || '.*')
  if (!find) return undefined
  return {
    text: `numeric:${pattern}`,
    order: 'number',
    part(tag) {
      const found = find(tag)
      return found !== undefined && numberPattern.test(found) ? found : undefined
    },
  }
}

function readAlphabetical(pattern: string): TagFilter | undefined {
  const find = makeFinder(pattern || '.*')
  return find && withoutLatest({ text: `alphabetical:${pattern}`, order: 'text', part: find })
}

/** The tag `latest` moves by nature; only a filter that is its very name takes it (flux-v1 §15). */
function withoutLatest(filter: TagFilter): TagFilter {
  if (filter.text === 'glob:latest') return filter
  return { ...filter, part: (tag) => (isLatest(tag) ? undefined : filter.part(tag)) }
}

/** `latest` in any letter case. */
export function isLatest(tag: string): boolean {
  return tag.toLowerCase() === 'latest'
}
