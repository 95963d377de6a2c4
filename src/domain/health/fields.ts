import { isText, mapOf, textOf } from '../../lib/raw.ts'
import type { KubeObject } from '../manifest/object.ts'

type Fields = Record<string, unknown>

/** One entry of `status.conditions`. */
export type Condition = { type: string; status: string; reason: string; message: string; observedGeneration?: number }

/** The map at a field of an object; empty when it is missing or something else. */
export function mapAt(object: Fields, field: string): Fields {
  const value = object[field]
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Fields) : {}
}

/** The list at a field; empty when it is missing or something else. */
export function listAt(object: Fields, field: string): unknown[] {
  const value = object[field]
  return Array.isArray(value) ? value : []
}

/** The number at a field, or `otherwise`. The API leaves zeros out of a status. */
export function numberAt(object: Fields, field: string, otherwise: number): number {
  const value = object[field]
  return typeof value === 'number' ? value : otherwise
}

/** The condition of a type, if the status has one. Whoever may write a status may write anything there: what is no text is empty. */
export function conditionOf(object: KubeObject, type: string): Condition | undefined {
  return conditionsOf(object).find((condition) => condition.type === type)
}

/** All that have a type. */
export function conditionsOf(object: KubeObject): Condition[] {
  return listAt(mapAt(object, 'status'), 'conditions').flatMap((entry) => {
    const { type, status, reason, message, observedGeneration } = mapOf(entry)
    if (!isText(type)) return []
    const known = { type, status: String(status), reason: textOf(reason), message: textOf(message) }
    return typeof observedGeneration === 'number' ? [{ ...known, observedGeneration }] : [known]
  })
}

/** True when the controller of the kind has seen the latest spec, or does not say what it has seen. */
export function isObserved(object: KubeObject): boolean {
  const { generation = 0 } = object.metadata
  return numberAt(mapAt(object, 'status'), 'observedGeneration', generation) >= generation
}

/** As {@link isObserved}, for kinds whose controller always says what it has seen: silence means that it has seen nothing. */
export function isSeen(object: KubeObject): boolean {
  const { generation = 0 } = object.metadata
  return numberAt(mapAt(object, 'status'), 'observedGeneration', 0) >= generation
}

/** The words of a condition, for people. */
export function saying({ type, reason, message }: Condition): string {
  return message || reason || type
}
