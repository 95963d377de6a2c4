import { parseConstraint } from '../semver/constraint.ts'
import { compareVersions, parseVersion, type Version } from '../semver/version.ts'

/**
 * The tag with the highest version inside a range, by the rules of Masterminds' semver (flux-v1 §15); undefined when the range is none
 * or no tag is in it. Of tags that mean the same version the longer spelling counts (`1.10.0` before `1.10`).
 */
export function chooseTag(range: string, tags: Iterable<string>): string | undefined {
  const isInRange = parseConstraint(range)
  let best: { tag: string; version: Version } | undefined
  for (const tag of tags) {
    const version = parseVersion(tag)
    if (!version || !isInRange?.(version)) continue
    const order = best ? compareVersions(version, best.version) : 1
    if (order > 0 || (order === 0 && best && tag > best.tag)) best = { tag, version }
  }
  return best?.tag
}
