import { namespacesOf, type Right, type RightResource, type RightVerb } from '../../domain/access/right.ts'
import { isLockPolicy } from '../../domain/manifest/annotations.ts'

/** The same right wherever the workloads are. */
export function rightsOn(verb: RightVerb, resource: RightResource, workloads: readonly string[]): Right[] {
  return namespacesOf(workloads).map((namespace) => ({ verb, resource, namespace }))
}

/** A lock is more than other policies: who may only tune them must not take one away. */
export function rightsOfPolicies(workloads: Readonly<Record<string, { add?: object; remove?: object }>>): Right[] {
  return Object.entries(workloads).flatMap(([id, { add = {}, remove = {} }]) => {
    const names = [...Object.keys(add), ...(Array.isArray(remove) ? remove.map(String) : Object.keys(remove))]
    const locks = names.filter(isLockPolicy)
    const verbs: RightVerb[] = [
      ...(names.length > locks.length || names.length === 0 ? (['policy'] as const) : []),
      ...(locks.length > 0 ? (['lock'] as const) : []),
    ]
    return verbs.flatMap((verb) => rightsOn(verb, 'workloads', [id]))
  })
}
