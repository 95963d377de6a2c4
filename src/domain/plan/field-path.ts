import { canonicalJson } from '../../lib/canonical-json.ts'
import type { KubeObject } from '../manifest/object.ts'

/** One step into an object, as server-side apply counts fields: a key, a list item by its merge keys, a member of a set, a place. */
export type Step =
  | { key: string }
  | { keys: Readonly<Record<string, unknown>> }
  | { value: unknown }
  | { index: number }

/** A field of an object. The empty path is the object itself. */
export type FieldPath = readonly Step[]

type Container = Record<string, unknown>

/** What the server assumes for a merge key that an item does not give. */
const keyDefaults: Readonly<Record<string, unknown>> = { protocol: 'TCP' }
/** Without these an object is nobody's: they are never taken out. */
const identity = new Set(['.apiVersion', '.kind', '.metadata', '.metadata.name', '.metadata.namespace', ''])

/** `.spec.containers[name="web"].image`, as the API server and people write it. */
export function printPath(path: FieldPath): string {
  return path.map(printStep).join('')
}

function printStep(step: Step): string {
  if ('key' in step) return `.${step.key}`
  if ('index' in step) return `[${step.index}]`
  if ('value' in step) return `[=${canonicalJson(step.value)}]`
  const keys = Object.entries(step.keys).map(([key, value]) => `${key}=${canonicalJson(value)}`)
  return `[${keys.join(',')}]`
}

/** Where a step leads inside a map or list: the key or index of what is there; undefined when nothing is. */
export function locate(container: unknown, step: Step): string | number | undefined {
  if (Array.isArray(container)) {
    const index = indexIn(container, step)
    return index >= 0 && index < container.length ? index : undefined
  }
  if (!isMap(container)) return undefined
  // a pointer's `0` may be a key of a map
  const key = 'key' in step ? step.key : 'index' in step ? String(step.index) : undefined
  return key !== undefined && Object.hasOwn(container, key) ? key : undefined
}

function indexIn(list: readonly unknown[], step: Step): number {
  if ('index' in step) return step.index
  if ('keys' in step) return itemIn(list, step.keys)
  if ('value' in step) return list.findIndex((item) => canonicalJson(item) === canonicalJson(step.value))
  return -1
}

/** An item with all these keys; one that leaves a key out counts only where no other has it. */
function itemIn(list: readonly unknown[], keys: Readonly<Record<string, unknown>>): number {
  const exact = list.findIndex((item) => keysFit(item, keys, false))
  return exact >= 0 ? exact : list.findIndex((item) => keysFit(item, keys, true))
}

function keysFit(item: unknown, keys: Readonly<Record<string, unknown>>, lenient: boolean): boolean {
  if (!isMap(item)) return false
  const entries = Object.entries(keys)
  const given = entries.filter(([key]) => (item[key] ?? keyDefaults[key]) !== undefined)
  if (given.length === 0 || (!lenient && given.length < entries.length)) return false
  return given.every(([key, value]) => String(item[key] ?? keyDefaults[key]) === String(value))
}

/** The value that a step leads to; undefined when there is none. */
export function stepInto(container: unknown, step: Step): unknown {
  const at = locate(container, step)
  if (at === undefined) return undefined
  return (container as Container)[at]
}

/** The value of a field; undefined when there is none. */
export function valueAt(object: unknown, path: FieldPath): unknown {
  let value = object
  for (const step of path) value = stepInto(value, step)
  return value
}

const removed = Symbol('removed')

/**
 * A copy without these fields; what is not there is no mistake, and what was their parent stays, empty if need be. Kind,
 * name and namespace always stay.
 */
export function removeFields(object: KubeObject, paths: readonly FieldPath[]): KubeObject {
  const copy = structuredClone(object)
  const lists = new Set<unknown[]>()
  for (const path of paths) {
    const last = path.at(-1)
    if (!last || identity.has(printPath(path))) continue
    const parent = valueAt(copy, path.slice(0, -1))
    const at = locate(parent, last)
    if (at === undefined) continue
    if (Array.isArray(parent)) {
      // marked, so that places of later paths still hold
      parent[at as number] = removed
      lists.add(parent)
    } else delete (parent as Container)[at]
  }
  for (const list of lists) list.splice(0, list.length, ...list.filter((item) => item !== removed))
  return copy
}

/** A copy in which these fields are as `from` has them: taken over, or removed where it has none. */
export function copyFields(object: KubeObject, from: KubeObject, paths: readonly FieldPath[]): KubeObject {
  const copy = removeFields(
    object,
    paths.filter((path) => valueAt(from, path) === undefined),
  )
  for (const path of paths) {
    const value = valueAt(from, path)
    if (value !== undefined) setField(copy, path, structuredClone(value))
  }
  return copy
}

function setField(object: KubeObject, path: FieldPath, value: unknown): void {
  let at: unknown = object
  for (const [depth, step] of path.entries()) {
    const last = depth === path.length - 1
    const found = locate(at, step)
    if (found !== undefined) {
      if (last) (at as Container)[found] = value
      at = (at as Container)[found]
    } else {
      const next = last ? value : emptyFor(path[depth + 1])
      at = insert(at, step, next) ? next : undefined
    }
  }
}

function emptyFor(step: Step | undefined): unknown {
  return step && 'key' in step ? {} : []
}

function insert(container: unknown, step: Step, value: unknown): boolean {
  if (Array.isArray(container)) {
    if ('keys' in step && isMap(value)) Object.assign(value, step.keys)
    container.push(value)
    return true
  }
  if (!isMap(container) || !('key' in step)) return false
  container[step.key] = value
  return true
}

export function isMap(value: unknown): value is Container {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}
