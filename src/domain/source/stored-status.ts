import { hasTexts, isCount, isListOf, isText, listOf, mapOf } from '../../lib/raw.ts'
import type { KubeObject } from '../manifest/object.ts'
import type { SourceDrift, SourceFailure, SourceStatus, SourceUnhealthy } from './status.ts'

type Optional = { [Part in keyof SourceStatus as undefined extends SourceStatus[Part] ? Part : never]: unknown }

/** What is not in every status, and whether it is what it should be. */
const optional: Record<keyof Optional, (value: unknown) => boolean> = {
  loaded: isText,
  unlisted: isTextMap,
  suspended: (value) => hasTexts(mapOf(value), ['by', 'why', 'since']),
  refused: (value) => hasTexts(mapOf(value), ['commit', 'why']),
  waiting: isWaiting,
  marker: isMarker,
  rewrittenFrom: isText,
  sets: (value) => isListOf(value, isText),
}

const texts = ['revision', 'attempted', 'reason', 'message', 'holder', 'changedAt'] as const

/** The status in that ConfigMap; undefined when there is none, or when it is damaged, not ours or of a version that we do not know. */
export function readSourceStatus(found: KubeObject | undefined): SourceStatus | undefined {
  return parseSourceStatus((found?.data as Record<string, string> | undefined)?.['status.json'])
}

/** The same of its text. */
export function parseSourceStatus(text: string | undefined): SourceStatus | undefined {
  if (!text) return undefined
  try {
    return statusOf(JSON.parse(text))
  } catch {
    return undefined
  }
}

/**
 * The value as a status; undefined when it is none, or of a version that we do not know. What not every status has is dropped alone
 * where it is damaged, as are differences from git. Whoever may write the ConfigMap may write anything into it.
 */
function statusOf(value: unknown): SourceStatus | undefined {
  const raw = mapOf(value)
  if (raw.version !== 1 || typeof raw.ready !== 'boolean' || !hasTexts(raw, texts)) return undefined
  const { objects, failedCount, failed, held, inventory } = raw
  if (!isCount(objects) || !isCount(failedCount) || !isInventory(inventory)) return undefined
  if (!isListOf(failed, isFailure) || !isListOf(held, isFailure)) return undefined
  const { ready, revision, attempted, reason, message, holder, changedAt } = raw as SourceStatus
  const more = Object.entries(optional).filter(([part, isSound]) => isSound(raw[part]))
  return {
    version: 1,
    revision,
    attempted,
    ready,
    reason,
    message,
    objects,
    failed,
    failedCount,
    held,
    drifted: listOf(raw.drifted).filter(isDrift),
    ...Object.fromEntries(more.map(([part]) => [part, raw[part]])),
    inventory,
    holder,
    changedAt,
  }
}

function isInventory(value: unknown): value is SourceStatus['inventory'] {
  const { parts, digest, count } = mapOf(value)
  return isListOf(parts, isText) && isText(digest) && isCount(count)
}

function isFailure(value: unknown): value is SourceFailure {
  const raw = mapOf(value)
  return hasTexts(raw, ['id', 'file', 'reason', 'message', 'since']) && isCount(raw.line)
}

function isDrift(value: unknown): value is SourceDrift {
  const raw = mapOf(value)
  const isKnown = raw.reason === 'Drifted' || raw.reason === 'DriftFight'
  return isKnown && hasTexts(raw, ['id', 'file', 'manager', 'at']) && isCount(raw.line) && isListOf(raw.fields, isText)
}

function isWaiting(value: unknown): boolean {
  const { since, count, unhealthy } = mapOf(value)
  return isText(since) && isCount(count) && isListOf(unhealthy, isUnhealthy)
}

function isUnhealthy(value: unknown): value is SourceUnhealthy {
  return hasTexts(mapOf(value), ['id', 'state', 'message'])
}

function isMarker(value: unknown): boolean {
  const raw = mapOf(value)
  const isSound = (part: string) => raw[part] === undefined || isText(raw[part])
  return hasTexts(raw, ['commit', 'problem']) && ['foreignAt', 'object', 'of'].every(isSound)
}

function isTextMap(value: unknown): boolean {
  return typeof value === 'object' && value !== null && isListOf(Object.values(value), isText)
}
