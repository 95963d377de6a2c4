import { hasTexts, isText, mapOf } from '../../lib/raw.ts'
import { isTag } from './ref.ts'

/** What a registry says of one tag. */
export type TagFact = {
  /** Digest of its manifest; empty when the registry knows no such tag. */
  digest: string
  /** Milliseconds since 1970 from the image itself; absent when it says nothing. */
  created?: number
  /** The same from its labels, for repositories whose labels count (`--registry-use-labels`). */
  labelled?: number
  /** When it was read, in milliseconds since 1970, and how long it is taken to hold. */
  readAt: number
  holdsMs: number
}

type ImageTimes = Pick<TagFact, 'created' | 'labelled'>

/** What is known of a repository: cached facts, derived again when lost (law 1). */
export type RepositoryFacts = {
  /** Of the last time that the tags were listed. */
  tags: readonly string[]
  /** Facts of the tags for which somebody asked. */
  described: ReadonlyMap<string, TagFact>
}

/** The stored list of tags, with the last failure if the last try failed. `at` is empty while they were never listed. */
export type StoredTags = { at: string; tags: string[]; failure?: { at: string; reason: string; message: string } }

/** Caches are dropped when nobody has scanned the repository for this long. */
export const factsKeptMs = 30 * 24 * 3600_000

/** Longer than between two scans; a workload that is gone loses what was read for it after this. */
export const scopeKeptMs = 24 * 3600_000

const hourMs = 3600_000
const minHoldsMs = 5 * 60_000
const maxHoldsMs = 7 * 24 * hourMs
const digestPattern = /^sha256:[0-9a-f]{64}$/

/**
 * Keys in the store; `repository` is canonical. `scope`: with which login it was read, where strangers share the store (`--tenants`); empty
 * where all share what is known.
 */
export function tagsKey(repository: string, scope = ''): string {
  return `image-tags:${repository}${scope && `#${scope}`}`
}
export function describedKey(repository: string, scope = ''): string {
  return `image-facts:${repository}${scope && `#${scope}`}`
}

/** Where the scope is kept by which a repository was read for the workloads of a namespace. */
export function scopeKey(namespace: string, repository: string): string {
  return `image-scope:${namespace}:${repository}`
}

/** Reads a stored list; undefined when there is none or it is not ours. */
export function readTags(text: string | undefined): StoredTags | undefined {
  const { at, tags, failure } = mapOf(readJson(text))
  if (!isText(at) || (at !== '' && Number.isNaN(Date.parse(at))) || !Array.isArray(tags)) return undefined
  return { at, tags: tags.filter((tag) => isText(tag) && isTag(tag)), ...(isFailure(failure) ? { failure } : {}) }
}

function isFailure(value: unknown): value is NonNullable<StoredTags['failure']> {
  return hasTexts(mapOf(value), ['at', 'reason', 'message'])
}

/** Short, because there may be thousands: `[digest, created, readAt, holdsMs, labelled]` by tag. */
export function printDescribed(described: ReadonlyMap<string, TagFact>): string {
  const rows = [...described].map(([tag, { digest, created, readAt, holdsMs, labelled }]) => [
    tag,
    [digest, created ?? null, readAt, holdsMs, ...(labelled === undefined ? [] : [labelled])],
  ])
  return JSON.stringify(Object.fromEntries(rows))
}

/** Reads what {@link printDescribed} prints; what is not ours is left out. */
export function readDescribed(text: string | undefined): Map<string, TagFact> {
  const described = new Map<string, TagFact>()
  const value = readJson(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return described
  for (const [tag, row] of Object.entries(value)) {
    const [digest, created, readAt, holdsMs, labelled] = Array.isArray(row) ? (row as unknown[]) : []
    if (!isTag(tag) || typeof digest !== 'string' || !(digest === '' || digestPattern.test(digest))) continue
    if (typeof readAt !== 'number' || typeof holdsMs !== 'number') continue
    described.set(tag, { digest, ...timesOf({ created, labelled }), readAt, holdsMs })
  }
  return described
}

/** The times among these, each only where it is one. */
export function timesOf({ created, labelled }: { created?: unknown; labelled?: unknown }): ImageTimes {
  return {
    ...(isTime(created) ? { created } : {}),
    ...(isTime(labelled) ? { labelled } : {}),
  }
}

/** Beyond these milliseconds no date is printed. */
const lastTime = 8.64e15

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= lastTime
}

/** The facts as they count for a repository: where labels do, a label's time goes before the configuration's (flux-v1 §14). */
export function withLabelTimes(described: ReadonlyMap<string, TagFact>): Map<string, TagFact> {
  return new Map(
    [...described].map(([tag, fact]) => [
      tag,
      fact.labelled === undefined ? fact : { ...fact, created: fact.labelled },
    ]),
  )
}

/** Whether somebody should look again: tags can be moved. A tag that was unknown and is listed now is due at once. */
export function isDue(fact: TagFact | undefined, isListed: boolean, now: number): boolean {
  if (!fact) return true
  return now >= fact.readAt + fact.holdsMs || now < fact.readAt || (isListed && fact.digest === '')
}

/** The new fact: first seen holds for an hour, then twice as long each time it is found unchanged, half when it moved (flux-v1 §14). */
export function nextFact(
  before: TagFact | undefined,
  found: Pick<TagFact, 'digest' | 'created' | 'labelled'>,
  now: number,
): TagFact {
  const factor = before?.digest === found.digest ? 2 : 0.5
  const holdsMs = before ? Math.min(Math.max(before.holdsMs * factor, minHoldsMs), maxHoldsMs) : hourMs
  return { ...found, readAt: now, holdsMs }
}

function readJson(text: string | undefined): unknown {
  if (!text) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
