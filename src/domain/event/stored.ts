import type { StoredDeployment } from './deployment.ts'
import { eventTypes, severities, type StoredEvent } from './event.ts'

/** Where events and deployment records are kept. */
export const eventStream = 'events'
export const deploymentStream = 'deployments'

/** What an entry's id looks like: milliseconds since 1970, and a number. */
export const entryId = /^\d{1,15}-\d{1,15}$/

type Fields = Record<string, unknown>

const texts = ['startedAt', 'endedAt', 'logLevel', 'message', 'reason', 'commit'] as const
const sourceKinds = ['source', 'release', 'sink']

/** A kept event, field by field; undefined for anything odd, since whoever writes to Redis may have written it (hazard B7). */
export function readEvent(id: string, json: string | undefined): StoredEvent | undefined {
  const found = parse(json)
  const source = readSource(found?.source)
  if (!found || !source || !texts.every((key) => typeof found[key] === 'string')) return undefined
  const { type, severity, serviceIDs, metadata } = found
  if (!isOneOf(eventTypes, type) || !isOneOf(severities, severity) || !isTexts(serviceIDs)) return undefined
  if (typeof metadata !== 'object' || metadata === null) return undefined
  const plain = Object.fromEntries(texts.map((key) => [key, found[key]]))
  return { id, ...plain, type, severity, serviceIDs, source, metadata } as StoredEvent
}

const recordTexts = [
  'job',
  'startedAt',
  'endedAt',
  'reason',
  'message',
  'revision',
  'before',
  'chart',
  'chartDigest',
  'valuesDigest',
] as const

/** A kept deployment record, field by field; undefined for anything odd. */
export function readDeployment(id: string, json: string | undefined): StoredDeployment | undefined {
  const found = parse(json)
  const source = readSource(found?.source)
  if (!found || !source || !recordTexts.every((key) => typeof found[key] === 'string')) return undefined
  const { cause, outcome, helmRevision, images, counts, changes } = found
  const { by, why } = (cause ?? {}) as Fields
  if (typeof by !== 'string' || typeof why !== 'string' || !isOneOf(['done', 'failed'], outcome)) return undefined
  if (typeof helmRevision !== 'number' || !isTexts(images) || !isCounts(counts) || !isChanges(changes)) return undefined
  const plain = Object.fromEntries(recordTexts.map((key) => [key, found[key]]))
  const lines = changes.map(({ id: object, action, reason }) => ({ id: object, action, reason }))
  const rest = { source, cause: { by, why }, outcome, helmRevision, images, counts, changes: lines }
  return { id, ...plain, ...rest } as StoredDeployment
}

function parse(json: string | undefined): Fields | undefined {
  try {
    const value: unknown = JSON.parse(json ?? 'null')
    return typeof value === 'object' && value !== null ? (value as Fields) : undefined
  } catch {
    return undefined
  }
}

function readSource(value: unknown): StoredEvent['source'] | undefined {
  const { kind, namespace, name } = (value ?? {}) as Fields
  if (!isOneOf(sourceKinds, kind) || typeof namespace !== 'string' || typeof name !== 'string') return undefined
  return { kind, namespace, name } as StoredEvent['source']
}

function isOneOf(words: readonly string[], value: unknown): boolean {
  return words.some((word) => word === value)
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}

function isCounts(value: unknown): value is Record<string, number> {
  return typeof value === 'object' && value !== null && Object.values(value).every((one) => typeof one === 'number')
}

function isChanges(value: unknown): value is StoredDeployment['changes'] {
  const isChange = (one: unknown) => {
    const { id, action, reason } = (one ?? {}) as Fields
    return isTexts([id, action, reason])
  }
  return Array.isArray(value) && value.every(isChange)
}
