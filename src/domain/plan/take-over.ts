import type { KubeObject, ManagedFields } from '../manifest/object.ts'
import { type FieldPath, isMap, printPath, removeFields, stepInto } from './field-path.ts'
import {
  type FieldSet,
  fieldSet,
  isEmpty,
  leavesOf,
  noFields,
  partition,
  readFields,
  stepOf,
  union,
  writeFields,
} from './fields.ts'
import { fieldManager } from './live.ts'

export const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration'

/** Managers under which `kubectl apply`, hence fluxd, wrote: kubectl ≥ 1.18, before, and what was there before managers were noted. */
const clientSide = 'kubectl-client-side-apply'
const predecessors: ReadonlySet<string> = new Set([clientSide, 'kubectl', 'before-first-apply'])

/** Who owns what after a take-over, and the fields that came to us, as people read them. */
export type TakeOver = { managedFields: ManagedFields[]; fields: string[] }

/**
 * Ruling 2: fields that `kubectl apply` set, as its annotation `last-applied-configuration` says, become ours, so that the next
 * apply removes those that git no longer has. Fields of the same managers that are not in it (set by `kubectl scale`, `label`)
 * stay theirs, but for defaults of what was applied: nobody owns those then, as after any server-side apply. Without that
 * annotation only what `kubectl-client-side-apply` owns is taken. Reads metadata alone; undefined when there is nothing to take.
 */
export function takeOver(live: Pick<KubeObject, 'metadata'>): TakeOver | undefined {
  const entries = live.metadata.managedFields ?? []
  const applied = lastApplied(live)
  if (applied === 'unreadable') return undefined
  const mine = entries.find(isOurs)
  const candidates = entries.filter((entry) => isPredecessor(entry) && (applied || entry.manager === clientSide))
  // names of fields differ between versions of an API: only one version can be merged into ours
  const apiVersion = mine?.apiVersion ?? newest(candidates)?.apiVersion
  const divided = entries
    .filter((entry) => entry !== mine)
    .map((entry) => {
      const mayTake = candidates.includes(entry) && entry.apiVersion === apiVersion
      return { entry, ...(mayTake ? divide(entry, applied) : { taken: noFields, left: noFields }) }
    })
  const origin = divided.find(({ taken }) => !isEmpty(taken))?.entry
  if (!origin) return undefined
  const taken = divided.map((one) => one.taken).reduce(union, noFields)
  const ours: ManagedFields = {
    ...(mine ?? origin),
    manager: fieldManager,
    operation: 'Apply',
    fieldsV1: writeFields(union(readFields(mine?.fieldsV1), taken)),
  }
  return { managedFields: [ours, ...divided.flatMap(remaining)], fields: leavesOf(taken).map(printPath) }
}

function remaining({ entry, taken, left }: Division & { entry: ManagedFields }): ManagedFields[] {
  if (isEmpty(taken)) return [entry]
  return isEmpty(left) ? [] : [{ ...entry, fieldsV1: writeFields(left) }]
}

export function isOurs(entry: ManagedFields): boolean {
  return entry.manager === fieldManager && entry.operation === 'Apply' && !entry.subresource
}

function isPredecessor({ manager, operation, subresource }: ManagedFields): boolean {
  return predecessors.has(manager) && operation === 'Update' && !subresource
}

function newest(entries: readonly ManagedFields[]): ManagedFields | undefined {
  return entries.toSorted((a, b) => (b.time ?? '').localeCompare(a.time ?? ''))[0]
}

function lastApplied({ metadata }: Pick<KubeObject, 'metadata'>): KubeObject | 'unreadable' | undefined {
  const text = metadata.annotations?.[lastAppliedAnnotation]
  if (!text) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return isMap(value) ? (value as KubeObject) : 'unreadable'
  } catch {
    return 'unreadable'
  }
}

type Division = { taken: FieldSet; left: FieldSet }

function divide(entry: ManagedFields, applied: KubeObject | undefined): Division {
  const set = readFields(entry.fieldsV1)
  if (!applied) return { taken: set, left: noFields }
  const { taken, left } = part(set, applied, false)
  if (entry.manager !== clientSide) return { taken, left }
  // only kubectl apply writes under this name: what it did not set are defaults, labels and annotations by admission excepted
  return {
    taken,
    left: fieldSet(
      false,
      [...left.children].filter(([text]) => text === 'f:metadata'),
    ),
  }
}

/**
 * As `partition`, but defaults inside of a list item that was applied go to nobody: owned by somebody they would keep the item
 * alive, without its required fields, once git drops it.
 */
function part(set: FieldSet, value: unknown, inItem: boolean): Division {
  const taken: [string, FieldSet][] = []
  const left: [string, FieldSet][] = []
  for (const [text, child] of set.children) {
    const step = stepOf(text)
    const found = stepInto(value, step)
    if (found === undefined || found === null) {
      if (!inItem) left.push([text, child])
      continue
    }
    const parts = part(child, found, inItem || 'keys' in step)
    taken.push([text, parts.taken])
    left.push([text, parts.left])
  }
  return { taken: fieldSet(set.owned, taken), left: fieldSet(false, left) }
}

/**
 * The live object without the fields that go when it is taken over and `desired` is applied: those that are ours, or come to us,
 * are not in `desired`, and that nobody else owns. For plans, whose dry run does not know of the take-over.
 */
export function fieldsDropped(live: KubeObject, desired: KubeObject): KubeObject {
  const entries = takeOver(live)?.managedFields ?? live.metadata.managedFields ?? []
  const mine = readFields(entries.find(isOurs)?.fieldsV1)
  const others = entries.filter((entry) => !isOurs(entry)).map((entry) => readFields(entry.fieldsV1))
  const { outside } = partition(mine, desired)
  return removeFields(live, dropped(outside, others.reduce(union, noFields), desired))
}

function dropped(outside: FieldSet, others: FieldSet, desired: unknown, above: FieldPath = []): FieldPath[] {
  return [...outside.children].flatMap(([text, child]) => {
    const step = stepOf(text)
    const other = others.children.get(text) ?? noFields
    const wanted = stepInto(desired, step)
    const path = [...above, step]
    if ((wanted === undefined || wanted === null) && isEmpty(other)) return [path]
    return dropped(child, other, wanted, path)
  })
}
