import { parseConstraint } from './constraint.ts'
import { compareVersions, parseVersion, type Version } from './version.ts'

/**
 * Of some texts those with the highest version inside a range, by the rules of Masterminds' semver, in their order: more than one where
 * several mean the same version (`1.10`, `v1.10.0`). Empty when the range is none, or nothing is in it.
 */
export function newestIn(range: string, texts: Iterable<string>): string[] {
  const isInRange = parseConstraint(range)
  let newest: { version: Version; texts: string[] } | undefined
  for (const text of texts) {
    const version = parseVersion(text)
    if (!version || !isInRange?.(version)) continue
    const order = newest ? compareVersions(version, newest.version) : 1
    if (order > 0) newest = { version, texts: [text] }
    else if (order === 0) newest?.texts.push(text)
  }
  return newest?.texts ?? []
}
