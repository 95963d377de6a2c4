import type { KubeObject, ManagedFields } from '../../src/domain/manifest/object.ts'
import type { FieldPath } from '../../src/domain/plan/field-path.ts'

/** A field as the steps that lead to it. Lists are one field: the fake does not merge them by key. */
type Path = readonly string[]
type Leaves = Map<string, unknown>

/** Who owns which fields: `manager/operation/subresource` → paths. */
export type Owners = Map<string, Set<string>>

const separator = '\u0000'
/** What the server or the address of the object sets; nobody owns it. */
const unowned = new Set([
  'apiVersion',
  'kind',
  ...[
    'name',
    'namespace',
    'uid',
    'resourceVersion',
    'generation',
    'creationTimestamp',
    'deletionTimestamp',
    'managedFields',
  ].map((field) => `metadata${separator}${field}`),
])

/** The leaf fields of an object that can be owned. Empty maps are leaves of their own. */
export function leavesOf(object: KubeObject): Leaves {
  const leaves: Leaves = new Map()
  collect(object, [], leaves)
  return leaves
}

function collect(value: unknown, path: Path, leaves: Leaves): void {
  const key = path.join(separator)
  if (unowned.has(key)) return
  if (isMap(value) && (path.length === 0 || Object.keys(value).length > 0)) {
    for (const [field, inner] of Object.entries(value)) collect(inner, [...path, field], leaves)
  } else if (key !== 'metadata') {
    leaves.set(key, value)
  }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

/** `.data.key`, as the server writes it. */
export function printed(path: string): string {
  return `.${path.split(separator).join('.')}`
}

export function pathOf(path: string): FieldPath {
  return path.split(separator).map((key) => ({ key }))
}

/** What `me` owns of these fields goes to the manager of fields that are left alone. */
export function letGo(owners: Owners, me: string, left: readonly FieldPath[]): void {
  const prefixes = left.map((path) => path.map((step) => ('key' in step ? step.key : '')).join(separator))
  const gone = [...(owners.get(me) ?? [])].filter((path) =>
    prefixes.some((prefix) => path === prefix || path.startsWith(`${prefix}${separator}`)),
  )
  if (gone.length === 0) return
  const initial = 'capstan-initial/Update'
  for (const path of gone) owners.get(me)?.delete(path)
  own(owners, initial, [...(owners.get(initial) ?? []), ...gone], () => false)
}

/** What these managers own of the given leaves becomes ours; false when it is nothing. */
export function moveFields(owners: Owners, from: readonly string[], leaves: Leaves): boolean {
  const me = 'capstan/Apply'
  const moved = from.flatMap((owner) => [...(owners.get(owner) ?? [])]).filter((path) => leaves.has(path))
  own(owners, me, [...(owners.get(me) ?? []), ...moved], (path) => from.some((owner) => owners.get(owner)?.has(path)))
  return moved.length > 0
}

export function setField(object: KubeObject, path: string, value: unknown): void {
  const steps = path.split(separator)
  const last = steps.pop() ?? ''
  let at: Record<string, unknown> = object
  for (const step of steps) {
    const inner = at[step]
    if (!isMap(inner)) at[step] = {}
    at = at[step] as Record<string, unknown>
  }
  at[last] = structuredClone(value)
}

/** Takes a field out, and the maps that are empty then. */
export function removeField(object: KubeObject, path: string): void {
  const steps = path.split(separator)
  for (let depth = steps.length; depth > 0; depth--) {
    const parent = valueAt(object, steps.slice(0, depth - 1))
    const step = steps[depth - 1] ?? ''
    if (!isMap(parent)) return
    const inner = parent[step]
    if (depth < steps.length && isMap(inner) && Object.keys(inner).length > 0) return
    if (depth === 1 && step === 'metadata') return
    delete parent[step]
  }
}

function valueAt(object: unknown, steps: Path): unknown {
  let at = object
  for (const step of steps) at = isMap(at) ? at[step] : undefined
  return at
}

/** Managers of `leaves` that own a field with another value, besides `me`: `manager: .field, .field`. */
export function conflictsOf(owners: Owners, me: string, wanted: Leaves, live: Leaves): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const [owner, paths] of owners) {
    if (owner === me) continue
    for (const [path, value] of wanted) {
      if (!paths.has(path) || same(live.get(path), value)) continue
      const [manager = ''] = owner.split('/')
      found.set(manager, [...(found.get(manager) ?? []), path])
    }
  }
  return found
}

export function same(a: unknown, b: unknown): boolean {
  return stable(a) === stable(b)
}

function stable(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner === 'bigint') return `${inner}n`
    if (!isMap(inner)) return inner
    return Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  })
}

/** `owner` now owns these fields and no others; with `take`, nobody else owns them any more. */
export function own(owners: Owners, owner: string, paths: Iterable<string>, take: (path: string) => boolean): void {
  const mine = new Set(paths)
  for (const [other, theirs] of owners) {
    if (other === owner) continue
    for (const path of mine) if (take(path)) theirs.delete(path)
    if (theirs.size === 0) owners.delete(other)
  }
  if (mine.size > 0) owners.set(owner, mine)
  else owners.delete(owner)
}

/** The owners as the object shows them, in the server's form (`f:` maps). */
export function managedFieldsOf(owners: Owners, apiVersion: string): ManagedFields[] {
  return [...owners].map(([owner, paths]) => {
    const [manager = '', operation = '', subresource = ''] = owner.split('/')
    const fieldsV1: Record<string, unknown> = {}
    for (const path of [...paths].toSorted()) {
      let at = fieldsV1
      for (const step of path.split(separator)) {
        at[`f:${step}`] ??= {}
        at = at[`f:${step}`] as Record<string, unknown>
      }
    }
    const entry: ManagedFields = {
      manager,
      operation: operation === 'Apply' ? 'Apply' : 'Update',
      apiVersion,
      fieldsV1,
    }
    return subresource ? { ...entry, subresource } : entry
  })
}
