import { createHash } from 'node:crypto'
import type { SourceFailure, SourceStatus } from './status.ts'

type Identity = Pick<SourceFailure, 'id' | 'file' | 'reason'>

/** So long is the mark of a failure: 48 bits. */
const markLength = 8
/** With more than that beyond the listed ones, a status would not fit into a ConfigMap; what is more counts as new each time. */
export const mostUnlisted = 20_000

/**
 * Gives the commit since which a failure is known: the one of the earlier status, listed there or not, else the given one. An object
 * that has failed since earlier revisions stops no pruning (ruling 7c).
 */
export function createFailingSince(
  { failed, unlisted = {} }: Pick<SourceStatus, 'failed' | 'unlisted'>,
  commit: string,
): (failure: Identity) => string {
  const known = new Map<string, string>()
  for (const [since, marks] of Object.entries(unlisted)) {
    for (let at = 0; at < marks.length; at += markLength) known.set(marks.slice(at, at + markLength), since)
  }
  for (const failure of failed) known.set(markOf(failure), failure.since)
  return (failure) => known.get(markOf(failure)) || commit
}

/** Gives the commit since which an object is held, for whatever reason: the one of the earlier status, else the given one. */
export function createHeldSince(
  held: readonly Pick<SourceFailure, 'id' | 'since'>[],
  commit: string,
): (one: Pick<SourceFailure, 'id'>) => string {
  const known = new Map(held.map(({ id, since }) => [id, since]))
  return ({ id }) => known.get(id) || commit
}

/** What a status keeps of the failures that it does not list: a short mark of each, by the commit at which it failed first. */
export function markUnlisted(failures: readonly (Identity & Pick<SourceFailure, 'since'>)[]): SourceStatus['unlisted'] {
  const bySince = Map.groupBy(failures.slice(0, mostUnlisted), ({ since }) => since)
  if (bySince.size === 0) return undefined
  return Object.fromEntries([...bySince].map(([since, list]) => [since, list.map(markOf).sort().join('')]))
}

function markOf({ id, file, reason }: Identity): string {
  return createHash('sha256').update(`${id}\0${file}\0${reason}`).digest('base64url').slice(0, markLength)
}
