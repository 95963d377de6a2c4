import { compareVersions, parseVersion } from '../semver/version.ts'

/**
 * So many tags that look newest by their names alone, for people who ask what there is: `latest` first, versions from the highest down,
 * then the other names backwards, their numbers compared as numbers.
 */
export function newestLooking(tags: readonly string[], most: number): string[] {
  const read = tags.map((tag) => ({ tag, version: parseVersion(tag), isLatest: tag.toLowerCase() === 'latest' }))
  return read
    .toSorted((a, b) => {
      if (a.isLatest !== b.isLatest) return a.isLatest ? -1 : 1
      if (!a.version !== !b.version) return a.version ? -1 : 1
      if (a.version && b.version) return compareVersions(b.version, a.version) || byNumber.compare(b.tag, a.tag)
      return byNumber.compare(b.tag, a.tag)
    })
    .slice(0, most)
    .map(({ tag }) => tag)
}

const byNumber = new Intl.Collator('en', { numeric: true })
