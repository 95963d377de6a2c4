import { canonicalJson } from '../../lib/canonical-json.ts'
import type { KubeObject } from '../manifest/object.ts'
import { type FieldPath, isMap, printPath, type Step, valueAt } from './field-path.ts'
import { difference, type FieldSet, leavesOf, meet, noFields, partition, readFields, stepOf, union } from './fields.ts'
import { isOurs } from './take-over.ts'

/** Fields of ours that somebody else holds. */
export type Drift = {
  /** Field manager; empty for fields that are gone. */
  manager: string
  operation: string
  /** When that manager wrote last (RFC 3339); empty when not known. */
  time: string
  /** As people read them, `.spec.replicas`. */
  fields: string[]
}

/**
 * Which fields of what we apply somebody else changed or removed, and who. `desired` is exactly what is sent, mark and checksum
 * included, without the fields that are left alone. A field whose value is as desired is no drift, whoever owns it.
 */
export function driftOf(live: KubeObject, desired: KubeObject): Drift[] {
  const entries = live.metadata.managedFields ?? []
  const mine = readFields(entries.find(isOurs)?.fieldsV1)
  const found: Drift[] = []
  for (const { manager, operation, time, subresource, fieldsV1 } of entries) {
    if (subresource === 'status') continue
    const theirs = difference(partition(readFields(fieldsV1), desired).inside, mine)
    const fields = leavesOf(theirs).filter((path) => differs(live, desired, path))
    if (fields.length > 0) found.push({ manager, operation, time: time ?? '', fields: fields.map(printPath) })
  }
  const all = entries.map(({ fieldsV1 }) => readFields(fieldsV1)).reduce(union, noFields)
  const gone = goneFrom({ live, desired, mine, all }).map(printPath)
  return gone.length > 0 ? [...found, { manager: '', operation: '', time: '', fields: gone }] : found
}

function differs(live: KubeObject, desired: KubeObject, path: FieldPath): boolean {
  const found = valueAt(live, path)
  return found !== undefined && canonicalJson(found) !== canonicalJson(valueAt(desired, path))
}

type Facts = { live: KubeObject; desired: KubeObject; mine: FieldSet; all: FieldSet }

/** Desired fields that the live object does not have and that we lost: what we own and the server left out is no drift. */
function goneFrom({ live, desired, mine, all }: Facts): FieldPath[] {
  const { apiVersion: _version, kind: _kind, ...rest } = desired
  return missing(rest, live, all, []).filter((path) => meet(mine, path, desired).kind === 'nothing')
}

function missing(desired: unknown, live: unknown, known: FieldSet, above: FieldPath): FieldPath[] {
  if (isMap(desired)) {
    if (!isMap(live)) return []
    return Object.entries(desired).flatMap(([key, value]) => {
      if (isNothing(value)) return []
      const path = [...above, { key }]
      const found = live[key]
      if (found === undefined || found === null) return [path]
      return missing(value, found, known.children.get(`f:${key}`) ?? noFields, path)
    })
  }
  return Array.isArray(desired) && Array.isArray(live) ? missingItems(desired, live, known, above) : []
}

/** Only lists that the server merges by keys are looked into: any other is one field. */
function missingItems(desired: unknown[], live: unknown[], known: FieldSet, above: FieldPath): FieldPath[] {
  const steps = [...known.children].map(([text, child]) => ({ step: stepOf(text), child }))
  const names = keyNames(steps.map(({ step }) => step))
  if (names.length === 0) return []
  return desired.flatMap((item) => {
    if (!isMap(item)) return []
    const given = names.filter((name) => item[name] !== undefined)
    const step: Step = { keys: Object.fromEntries(given.map((name) => [name, item[name]])) }
    const path = [...above, step]
    const found = valueAt(live, [step])
    if (found === undefined) return [path]
    const child = steps.find((one) => valueAt([item], [one.step]) !== undefined)?.child ?? noFields
    return missing(item, found, child, path)
  })
}

function keyNames(steps: readonly Step[]): string[] {
  const first = steps.find((step) => 'keys' in step)
  return first && 'keys' in first ? Object.keys(first.keys) : []
}

/** The server keeps none of these. */
function isNothing(value: unknown): boolean {
  if (value === null || value === undefined) return true
  if (Array.isArray(value)) return value.length === 0
  return isMap(value) && Object.keys(value).length === 0
}
