import type { SourceStatus } from '../source/status.ts'
import type { Severity } from './event.ts'

type Standing = Pick<SourceStatus, 'ready' | 'reason' | 'failed'>

/**
 * How a source stands, as one text: the same text is not told twice. A sync that goes on failing in the same way is no news; another
 * object that fails, or another reason, is.
 */
export function outcomeOf({ ready, reason, failed }: Standing): string {
  if (ready) return 'ok'
  const ids = failed.map(({ id, file, reason: why }) => `${why} ${id || file}`)
  return [reason, ...new Set(ids.toSorted())].join('\n')
}

/** Whether a status says something else than the one before. Undefined: there was none, and only trouble is news. */
export function isNewOutcome(before: Standing | undefined, after: Standing): boolean {
  const known = before && (before.ready || before.reason !== '') ? outcomeOf(before) : 'ok'
  return known !== outcomeOf(after)
}

/** What passes by itself or was wished for. */
const wished = new Set(['', 'NotReady', 'Suspended'])
/** What somebody must look at, but nothing is broken. */
const mild = new Set(['DependencyNotReady', 'OtherWriter', 'MassDeletion', 'RateLimited', 'Locked'])

/** How urgent a standstill for this reason is. */
export function severityOf({ ready, reason }: { ready: boolean; reason: string }): Severity {
  if (ready || wished.has(reason)) return 'info'
  return mild.has(reason) ? 'warning' : 'error'
}
