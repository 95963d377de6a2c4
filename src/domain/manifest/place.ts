import { makeExcludedKinds } from './exclude-resources.ts'
import { groupOf, idOf, keyOf, type KubeObject, type ObjectRef, refOf } from './object.ts'
import type { ManifestObject } from './parse.ts'
import type { Problem } from './problem.ts'

/** What the API server says about a kind: undefined when it does not serve it, and why when its group does not answer. */
export type ApiFacts = (
  apiVersion: string,
  kind: string,
) => { namespaced: boolean } | { unavailable: string } | undefined

export type PlaceOptions = {
  facts: ApiFacts
  /** Where namespaced objects without a namespace go. */
  defaultNamespace: string
  /** Where all namespaced objects go, whatever they say; empty leaves them. */
  targetNamespace?: string
  /** Empty means all (flux-v1 §28). */
  allowedNamespaces: readonly string[]
  /** Globs of kinds that are left alone ({@link makeExcludedKinds}). */
  excludeResources?: readonly string[]
  /** Objects that are in no namespace are left alone. */
  namespacedOnly?: boolean
  /** With more objects than this none is placed (ruling 15); no limit without it. */
  maxObjects?: number
}

export type Placement<T extends ManifestObject> = {
  /** What may be applied: final namespace set, or taken off where the kind has none. Everything else of the item is kept. */
  objects: T[]
  /** Unknown kinds, duplicates, too many objects. */
  problems: Problem[]
  /** Objects of excluded kinds, outside the allowed namespaces, or in none where they must be. */
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
  if (items.length > (options.maxObjects ?? Number.POSITIVE_INFINITY)) return tooMany(items, options, result)
  const defined = factsOfDefinitions(items)
  const isExcluded = makeExcludedKinds(options.excludeResources ?? [])
  const byKey = new Map<string, T[]>()
  for (const item of items) {
    const { apiVersion, kind } = item.object
    if (isExcluded(item.object)) {
      withholdExcluded(item, options, result)
      continue
    }
    const facts = options.facts(apiVersion, kind) ?? defined.get(`${apiVersion} ${kind}`)
    if (!facts || 'unavailable' in facts) {
      withholdUnknown(item, facts, options, result)
      continue
    }
    const placed = { ...item, object: inNamespace(item.object, facts.namespaced ? homeOf(item, options) : undefined) }
    const key = keyOf(refOf(placed.object))
    const same = byKey.get(key)
    if (same) same.push(placed)
    else byKey.set(key, [placed])
  }
  for (const [key, same] of byKey) settle(key, same, options, result)
  return result
}

/**
 * Whether an object may be touched (flux-v1 §28): cluster-scoped ones all may, but Namespaces, which must be in the list
 * themselves. An empty list allows everything.
 */
export function isInAllowedNamespace(ref: ObjectRef, allowed: readonly string[]): boolean {
  if (allowed.length === 0) return true
  if (ref.kind === 'Namespace' && groupOf(ref.apiVersion) === '') return allowed.includes(ref.name)
  return ref.namespace === undefined || allowed.includes(ref.namespace)
}

type Homes = Pick<PlaceOptions, 'defaultNamespace' | 'targetNamespace'>

/** The namespace of an object whose kind has namespaces. */
function homeOf({ object }: ManifestObject, { targetNamespace, defaultNamespace }: Homes): string {
  return targetNamespace || object.metadata.namespace || defaultNamespace
}

function settle<T extends ManifestObject>(
  key: string,
  same: readonly T[],
  { allowedNamespaces, namespacedOnly = false }: PlaceOptions,
  result: Placement<T>,
): void {
  const [first, second] = same
  if (!first) return
  const ref = refOf(first.object)
  const id = idOf(ref)
  const isClusterWide = namespacedOnly && ref.namespace === undefined
  if (isClusterWide || !isInAllowedNamespace(ref, allowedNamespaces)) {
    const message = isClusterWide
      ? `${id} is in no namespace, and Sources bring no such objects with --tenants`
      : `${id} is outside the allowed namespaces`
    result.warnings.push({ reason: 'NamespaceNotAllowed', file: first.file, line: first.line, message, id })
    result.withheld.add(key)
  } else if (second) {
    const places = same.map(({ file, line }) => `${file}:${line}`).join(' and ')
    const message = `duplicate definition of '${id}' (in ${places})`
    result.problems.push({ reason: 'DuplicateObject', file: second.file, line: second.line, message, id })
    result.withheld.add(key)
  } else result.objects.push(first)
}

/** Nothing of it is in `objects`; all that it names is withheld. */
function tooMany<T extends ManifestObject>(
  items: readonly T[],
  options: PlaceOptions,
  result: Placement<T>,
): Placement<T> {
  for (const item of items) withhold(item, options, result)
  const message = `the source holds ${items.length} objects; at most ${options.maxObjects} are read (--max-source-objects)`
  result.problems.push({ reason: 'SourceTooLarge', file: '', line: 0, message })
  return result
}

function withholdExcluded<T extends ManifestObject>(item: T, options: Homes, result: Placement<T>): void {
  const { object, file, line } = item
  const id = idOf(refOf(object))
  const message = `${id} is left alone: ${object.apiVersion}/${object.kind} is excluded (--k8s-unsafe-exclude-resource)`
  result.warnings.push({ reason: 'KindExcluded', file, line, message, id })
  withhold(item, options, result)
}

function withholdUnknown<T extends ManifestObject>(
  item: T,
  facts: { unavailable: string } | undefined,
  options: Homes,
  result: Placement<T>,
): void {
  const { object, file, line } = item
  const id = idOf(refOf(object))
  const message = facts?.unavailable ?? `the cluster does not know the kind ${object.kind} of ${object.apiVersion}`
  result.problems.push({ reason: facts ? 'ClusterUnavailable' : 'UnknownKind', file, line, message, id })
  withhold(item, options, result)
}

function withhold<T extends ManifestObject>(item: T, options: Homes, { withheld }: Placement<T>): void {
  for (const key of possibleKeys(refOf(item.object), options)) withheld.add(key)
}

/** Both keys that it may turn out to have, where nobody asked yet whether the kind has namespaces. */
export function possibleKeys({ namespace, ...ref }: ObjectRef, { targetNamespace, defaultNamespace }: Homes): string[] {
  return [keyOf(ref), keyOf({ ...ref, namespace: targetNamespace || namespace || defaultNamespace })]
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
