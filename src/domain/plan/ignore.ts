import { checksumAnnotation, gcMarkLabel } from '../manifest/annotations.ts'
import type { KubeObject, ManagedFields, ObjectRef } from '../manifest/object.ts'
import { copyFields, type FieldPath, removeFields, valueAt } from './field-path.ts'
import { parsePointer } from './field-text.ts'
import { cutBranch, type FieldSet, isEmpty, meet, noFields, readFields, union, writeFields } from './fields.ts'
import { isOurs } from './take-over.ts'

/** Which part of which objects is left alone, as a source says it (`SourceSpec.ignore`); what is absent does not restrict. */
type IgnoreRule = { pointers: readonly string[]; kind?: string; name?: string; namespace?: string }

/** Manager of fields that git set once, at creation, and leaves alone since. */
export const initialManager = 'capstan-initial'

/** Without these we should not know our own objects: no rule takes them out. */
const ours: readonly FieldPath[] = [
  [{ key: 'metadata' }, { key: 'labels' }, { key: gcMarkLabel }],
  [{ key: 'metadata' }, { key: 'annotations' }, { key: checksumAnnotation }],
]

/** The fields of an object that the rules leave alone. Throws `InvalidSource` for a pointer that is none. */
export function ignoredFields(rules: readonly IgnoreRule[], ref: ObjectRef): FieldPath[] {
  return rules.filter((rule) => fits(rule, ref)).flatMap(({ pointers }) => pointers.map(parsePointer))
}

function fits(rule: IgnoreRule, ref: ObjectRef): boolean {
  return (
    (rule.kind === undefined || rule.kind === ref.kind) &&
    (rule.name === undefined || rule.name === ref.name) &&
    (rule.namespace === undefined || rule.namespace === (ref.namespace ?? ''))
  )
}

/**
 * What to apply where `live` is there: without the fields that are left alone. A part of a field that can only be owned as a
 * whole (`args/1`) is sent as it is live.
 */
export function withoutFields(object: KubeObject, paths: readonly FieldPath[], live: KubeObject): KubeObject {
  const known = allFields(live)
  const whole = paths.filter((path) => meet(known, path, live).kind === 'inside one field')
  const parts = paths.filter((path) => !whole.includes(path))
  return keepOurs(copyFields(removeFields(object, parts), live, whole), object)
}

/** As {@link withoutFields}, for a dry run, in which nothing can be let go first: our fields are sent as they are live. */
export function asLive(object: KubeObject, paths: readonly FieldPath[], live: KubeObject): KubeObject {
  const mine = ownFields(live)
  const held = paths.filter((path) => meet(mine, path, live).kind === 'found')
  const sent = withoutFields(object, paths, live)
  return keepOurs(copyFields(sent, live, held), object)
}

/**
 * Who owns what once we have let go of fields: they go to the manager `capstan-initial`, with which nobody conflicts but us, so
 * that our next apply without them changes nothing. Undefined when we own none of them.
 */
export function letGo(live: KubeObject, paths: readonly FieldPath[]): ManagedFields[] | undefined {
  const entries = live.metadata.managedFields ?? []
  const mine = entries.find(isOurs)
  if (!mine) return undefined
  let rest = readFields(mine.fieldsV1)
  let gone = noFields
  for (const path of paths) {
    const met = meet(rest, path, live)
    if (met.kind !== 'found') continue
    const parts = cutBranch(rest, met.steps)
    rest = parts.rest
    gone = union(gone, parts.cut)
  }
  for (const path of ours) {
    const met = meet(gone, path, live)
    if (met.kind !== 'found') continue
    const parts = cutBranch(gone, met.steps)
    gone = parts.rest
    rest = union(rest, parts.cut)
  }
  if (isEmpty(gone)) return undefined
  const before = entries.find((entry) => isInitial(entry) && entry.apiVersion === mine.apiVersion)
  return [
    { ...mine, fieldsV1: writeFields(rest) },
    {
      ...mine,
      manager: initialManager,
      operation: 'Update' as const,
      fieldsV1: writeFields(union(readFields(before?.fieldsV1), gone)),
    },
    ...entries.filter((entry) => entry !== mine && entry !== before),
  ].filter(({ fieldsV1 }) => Object.keys(fieldsV1 ?? {}).length > 0)
}

function isInitial({ manager, operation, subresource }: ManagedFields): boolean {
  return manager === initialManager && operation === 'Update' && !subresource
}

function keepOurs(sent: KubeObject, object: KubeObject): KubeObject {
  return copyFields(
    sent,
    object,
    ours.filter((path) => valueAt(object, path) !== undefined),
  )
}

function ownFields({ metadata }: KubeObject): FieldSet {
  return readFields(metadata.managedFields?.find(isOurs)?.fieldsV1)
}

function allFields({ metadata }: KubeObject): FieldSet {
  return (metadata.managedFields ?? []).map(({ fieldsV1 }) => readFields(fieldsV1)).reduce(union, noFields)
}
