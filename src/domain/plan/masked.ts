import { canonicalJson } from '../../lib/canonical-json.ts'
import type { KubeObject } from '../manifest/object.ts'
import { lastAppliedAnnotation } from './take-over.ts'

/** Takes every known secret out of a text. */
export type Redact = (text: string) => string

const mask = '*****'
const changedNote = ' (changed)'

type Masking = { redact: Redact; note: string }

/**
 * Two states of one object, safe to show (hazard K2): data of Secrets and every known secret elsewhere are masked. Of what is masked
 * only equality can be seen: a value that differs from the one before is `***** (changed)`. Neither argument is changed.
 */
export function maskPair(
  before: KubeObject | undefined,
  after: KubeObject | undefined,
  redact: Redact,
): { before: KubeObject | undefined; after: KubeObject | undefined } {
  return {
    before: before && maskObject(before, after, { redact, note: '' }),
    after: after && maskObject(after, before, { redact, note: changedNote }),
  }
}

/** What of a Secret must be known to a redactor before anything else is shown: the values as they stand and decoded. */
export function secretValues(object: KubeObject): string[] {
  if (!isSecret(object)) return []
  const encoded = scalarsOf(object.data)
  return [...encoded, ...encoded.map(decoded), ...scalarsOf(object.stringData)]
}

function isSecret({ apiVersion, kind }: KubeObject): boolean {
  return kind === 'Secret' && apiVersion === 'v1'
}

function scalarsOf(value: unknown): string[] {
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(scalarsOf)
  return value === null || value === undefined ? [] : [textOf(value)]
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : canonicalJson(value)
}

function decoded(text: string): string {
  return Buffer.from(text, 'base64').toString()
}

function maskObject(object: KubeObject, other: KubeObject | undefined, masking: Masking): KubeObject {
  const shown = isSecret(object) ? withoutData(object) : object
  const masked = maskValue(withoutLastApplied(shown), other, masking) as KubeObject
  if (!isSecret(object)) return masked
  for (const field of ['data', 'stringData']) {
    if (object[field] !== undefined) masked[field] = maskData(object[field], other?.[field], masking)
  }
  return masked
}

function withoutData(object: KubeObject): KubeObject {
  const { data: _, stringData: __, ...rest } = object
  return rest as KubeObject
}

/** kubectl's copy of a whole manifest, Secrets included (CVE-2023-40029): never shown. */
function withoutLastApplied(object: KubeObject): KubeObject {
  const { [lastAppliedAnnotation]: hidden, ...annotations } = object.metadata.annotations ?? {}
  return hidden === undefined ? object : { ...object, metadata: { ...object.metadata, annotations } }
}

/** Keys of the data are names and stay readable. */
function maskData(data: unknown, other: unknown, masking: Masking): unknown {
  if (!isMap(data)) return maskedEqual(data, other, masking)
  const others = isMap(other) ? other : {}
  return mapEntries(data, masking, (value, key) => maskedEqual(value, others[key], masking))
}

function maskedEqual(value: unknown, other: unknown, { note }: Masking): string {
  return other === undefined || canonicalJson(value) === canonicalJson(other) ? mask : mask + note
}

function maskValue(value: unknown, other: unknown, masking: Masking): unknown {
  if (Array.isArray(value)) {
    const others: unknown[] = Array.isArray(other) ? other : []
    return value.map((item, index) => maskValue(item, others[index], masking))
  }
  if (isMap(value)) {
    const others = isMap(other) ? other : {}
    return mapEntries(value, masking, (item, key) => maskValue(item, others[key], masking))
  }
  return maskScalar(value, other, masking)
}

function maskScalar(value: unknown, other: unknown, { redact, note }: Masking): unknown {
  if (value === null || value === undefined) return value
  const text = textOf(value)
  const shown = redact(text)
  if (shown === text) return value
  const differs = other !== undefined && textOf(other) !== text
  return differs && redact(textOf(other)) === shown ? shown + note : shown
}

/** Keys may be secrets too; those that look the same once masked are numbered. */
function mapEntries(
  map: Record<string, unknown>,
  { redact }: Masking,
  change: (value: unknown, key: string) => unknown,
): Record<string, unknown> {
  const changed = new Map<string, unknown>()
  for (const [key, value] of Object.entries(map)) {
    let shown = redact(key)
    for (let count = 2; changed.has(shown); count++) shown = `${redact(key)} #${count}`
    changed.set(shown, change(value, key))
  }
  return Object.fromEntries(changed)
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
