/** API group of what a caller may do here; most of its resources are names for rights alone (ruling W14). */
export const rightsGroup = 'capstan.dev'

export const rightResources = [
  'sources',
  'workloads',
  'releases',
  'images',
  'jobs',
  'events',
  'plans',
  'sinks',
] as const
export type RightResource = (typeof rightResources)[number]

export const rightVerbs = [
  'get',
  'list',
  'watch',
  'sync',
  'release',
  'policy',
  'lock',
  'approve',
  'suspend',
  'rollback',
  'cancel',
] as const
export type RightVerb = (typeof rightVerbs)[number]

/** What a caller must be allowed by the cluster's own rules. `namespace` empty: in all of them. */
export type Right = { verb: RightVerb; resource: RightResource; namespace: string; name?: string }

/** What takes seeing objects whole, in one namespace or (empty) in all: as for an export. */
export function rightsToSeeWhole(namespace: string): Right[] {
  return [
    { verb: 'list', resource: 'workloads', namespace },
    { verb: 'release', resource: 'workloads', namespace },
  ]
}

/** `sync sources.capstan.dev in namespace a`, for people. */
export function printRight({ verb, resource, namespace }: Right): string {
  return `${verb} ${resource}.${rightsGroup} ${namespace === '' ? 'in all namespaces' : `in namespace ${namespace}`}`
}

/** The namespaces of workloads named as `namespace:kind/name`; all of them (an empty name) where one is named otherwise, or none is. */
export function namespacesOf(workloads: readonly string[]): string[] {
  const names = workloads.map((id) => /^([a-z0-9][a-z0-9-]{0,62}):[^/]+\/./i.exec(id)?.[1] ?? '')
  return names.length === 0 || names.includes('') ? [''] : [...new Set(names)]
}
