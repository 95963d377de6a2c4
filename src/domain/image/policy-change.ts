import { policyPrefixes, tagPolicyPrefix } from '../manifest/annotations.ts'
import type { PolicyChange } from '../work/update-spec.ts'
import type { AnnotationChange } from './annotate.ts'
import { parseTagFilter } from './tag-filter.ts'

/** Stands for the tag filter of every container. */
export const allTags = 'tag_all'
/** A filter that is as good as none. */
const noFilter = ['*', 'glob:*']

/** Why a change cannot be asked for, in words for people; undefined where it can (flux-v1 §15: an invalid pattern is rejected). */
export function problemOfChange({ add, remove }: PolicyChange): string | undefined {
  for (const name of [...Object.keys(add), ...Object.keys(remove)]) {
    if (!/^[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?$/.test(name)) return `'${name}' cannot be the name of a policy`
  }
  for (const [name, value] of Object.entries(add)) {
    if (name !== allTags && !name.startsWith(tagPolicyPrefix)) continue
    const read = parseTagFilter(value)
    if ('problem' in read) return `invalid tag pattern: ${read.problem}`
  }
  return undefined
}

/**
 * The annotations that a change of policies comes to, where `annotations` are there already (flux-v1 §§2, 19): a policy keeps the prefix
 * under which it stands, a new one gets `fluxcd.io/`. `tag_all` is the filter of each container and wins over explicit ones; taking away
 * wins over setting.
 */
export function annotationsOf(
  change: PolicyChange,
  containers: readonly string[],
  annotations: Readonly<Record<string, string>>,
): AnnotationChange[] {
  const wanted = new Map<string, string | undefined>(Object.entries(change.add))
  for (const name of Object.keys(change.remove)) wanted.set(name, undefined)
  if (wanted.has(allTags)) {
    for (const container of containers) wanted.set(`${tagPolicyPrefix}${container}`, wanted.get(allTags))
    wanted.delete(allTags)
  }
  return [...wanted].flatMap(([name, value]): AnnotationChange[] => {
    const isGone = value === undefined || value === '' || (name.startsWith(tagPolicyPrefix) && noFilter.includes(value))
    const keys = keysOf(name).filter((key) => Object.hasOwn(annotations, key))
    if (isGone) return keys.map((key) => ({ key, value: undefined }))
    const key = keys[0] ?? `${policyPrefixes[0]}${name}`
    return annotations[key] === value ? [] : [{ key, value }]
  })
}

/** Every key under which a policy may stand, in the order in which it is read. */
function keysOf(name: string): string[] {
  return policyPrefixes.flatMap((prefix) => {
    if (prefix !== 'filter.fluxcd.io/') return [`${prefix}${name}`]
    return name.startsWith(tagPolicyPrefix) ? [`${prefix}${name.slice(tagPolicyPrefix.length)}`] : []
  })
}
