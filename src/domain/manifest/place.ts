import { groupOf, idOf, keyOf, type KubeObject, refOf } from './object.ts'
import type { ManifestObject } from './parse.ts'
import type { Problem } from './problem.ts'

/** What the API server says about a kind; undefined when it does not serve it. */
export type ApiFacts = (apiVersion: string, kind: string) => { namespaced: boolean } | undefined

export type PlaceOptions = {
  facts: ApiFacts
  /** Where namespaced objects without a namespace go. */
  defaultNamespace: string
  /** Empty means all (flux-v1 §28). */
  allowedNamespaces: readonly string[]
}

export type Placement<T extends ManifestObject> = {
  /** What may be applied: final namespace set, or taken off where the kind has none. Everything else of the item is kept. */
  objects: T[]
  /** Unknown kinds and duplicates. */
  problems: Problem[]
  /** Objects outside the allowed namespaces. */
  warnings: Problem[]
  /** Keys of objects that git defines but that must not be applied, so that nobody takes them for gone and deletes them. */
  withheld: Set<string>
}

/**
 * Decides for each object where it belongs (flux-v1 §5). Kinds that the cluster does not know yet are looked for among the
 * definitions in the same set. Of objects that turn out to be the same one none is applied (ruling 13).
 */
export function place<T extends ManifestObject>(items: readonly T[], options: PlaceOptions): Placement<T> {
  const result: Placement<T> = { objects: [], problems: [], warnings: [], withheld: new Set() }
  const defined = factsOfDefinitions(items)
  const byKey = new Map<string, T[]>()
  for (const item of items) {
    const { apiVersion, kind, metadata } = item.object
    const facts = options.facts(apiVersion, kind) ?? defined.get(`${apiVersion} ${kind}`)
    if (!facts) {
      withholdUnknown(item, options.defaultNamespace, result)
      continue
    }
    const namespace = facts.namespaced ? metadata.namespace || options.defaultNamespace : undefined
    const placed = { ...item, object: inNamespace(item.object, namespace) }
    const key = keyOf(refOf(placed.object))
    const same = byKey.get(key)
    if (same) same.push(placed)
    else byKey.set(key, [placed])
  }
  for (const [key, same] of byKey) settle(key, same, options.allowedNamespaces, result)
  return result
}

function settle<T extends ManifestObject>(
  key: string,
  same: readonly T[],
  allowed: readonly string[],
  result: Placement<T>,
): void {
  const [first, second] = same
  if (!first) return
  const id = idOf(refOf(first.object))
  if (!isAllowed(first.object, allowed)) {
    const message = `${id} is outside the allowed namespaces`
    result.warnings.push({ reason: 'NamespaceNotAllowed', file: first.file, line: first.line, message, id })
    result.withheld.add(key)
  } else if (second) {
    const places = same.map(({ file, line }) => `${file}:${line}`).join(' and ')
    const message = `duplicate definition of '${id}' (in ${places})`
    result.problems.push({ reason: 'DuplicateObject', file: second.file, line: second.line, message, id })
    result.withheld.add(key)
  } else result.objects.push(first)
}

/** Both keys that it may turn out to have are withheld: nobody knows yet whether the kind has namespaces. */
function withholdUnknown<T extends ManifestObject>(item: T, defaultNamespace: string, result: Placement<T>): void {
  const { object, file, line } = item
  const id = idOf(refOf(object))
  const message = `the cluster does not know the kind ${object.kind} of ${object.apiVersion}`
  result.problems.push({ reason: 'UnknownKind', file, line, message, id })
  for (const namespace of [undefined, object.metadata.namespace || defaultNamespace]) {
    result.withheld.add(keyOf(refOf(inNamespace(object, namespace))))
  }
}

/** Cluster-scoped objects are all allowed but Namespaces, which must be in the list themselves. */
function isAllowed({ apiVersion, kind, metadata }: KubeObject, allowed: readonly string[]): boolean {
  if (allowed.length === 0) return true
  if (kind === 'Namespace' && groupOf(apiVersion) === '') return allowed.includes(metadata.name)
  return metadata.namespace === undefined || allowed.includes(metadata.namespace)
}

function inNamespace(object: KubeObject, namespace: string | undefined): KubeObject {
  if (object.metadata.namespace === namespace) return object
  const { namespace: _, ...metadata } = object.metadata
  return { ...object, metadata: { ...metadata, ...(namespace ? { namespace } : {}) } }
}

type Definition = {
  group?: string
  scope?: string
  version?: string
  names?: { kind?: string }
  versions?: { name?: string }[]
}

/** Scope by `apiVersion kind` of what the definitions in the set define; both shapes of the API (v1 and v1beta1). */
function factsOfDefinitions(items: readonly ManifestObject[]): Map<string, { namespaced: boolean }> {
  const facts = new Map<string, { namespaced: boolean }>()
  for (const { object } of items) {
    if (object.kind !== 'CustomResourceDefinition' || groupOf(object.apiVersion) !== 'apiextensions.k8s.io') continue
    const { group, scope, version, names, versions } = (object.spec ?? {}) as Definition
    const served = Array.isArray(versions) ? versions.map((one) => one?.name) : []
    for (const name of [version, ...served]) {
      if (group && names?.kind && name) facts.set(`${group}/${name} ${names.kind}`, { namespaced: scope !== 'Cluster' })
    }
  }
  return facts
}
