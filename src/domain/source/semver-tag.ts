import { newestIn } from '../semver/newest.ts'

/**
 * The tag with the highest version inside a range, by the rules of Masterminds' semver (flux-v1 §15); undefined when the range is none
 * or no tag is in it. Of tags that mean the same version the longer spelling counts (`1.10.0` before `1.10`).
 */
export function chooseTag(range: string, tags: Iterable<string>): string | undefined {
  return newestIn(range, tags).toSorted().at(-1)
}
