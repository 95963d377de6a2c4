import type { ReadyDue } from '../../domain/release/record.ts'
import type { ReleaseSpec } from '../../domain/release/spec.ts'
import type { ReleaseEnded, SyncReleaseDeps } from './deps.ts'
import type { Work } from './work.ts'

type Counted = { spec: ReleaseSpec; began?: number }
type Deps = Pick<SyncReleaseDeps, 'now' | 'ended'>

/**
 * Counts what helm did, once it is over: what is waited for, when the wait ends. `began`: in milliseconds since 1970; the run counts from
 * then on, too, as the Operator's did, which waited itself.
 */
export function countAction(
  action: Exclude<ReleaseEnded['action'], 'sync'>,
  { success, began }: { success: boolean; began: number },
  work: Counted,
  deps: Deps,
): void {
  if (work.began !== undefined && began < work.began) work.began = began
  tell({ action, success, began }, work.spec, deps)
}

/**
 * Counts a run once it is over, also one that failed for no fault of the release, but none that was stopped, or that only waits: nothing
 * has ended yet.
 */
export async function countSync<T extends { ok: boolean; reason: string }>(
  run: Promise<T>,
  work: Work,
  deps: Deps,
): Promise<T> {
  const told = (success: boolean) => tell({ action: 'sync', success, began: work.began }, work.spec, deps)
  try {
    const conclusion = await run
    if (conclusion.reason !== 'NotReady') told(conclusion.ok)
    return conclusion
  } catch (error) {
    if (!work.signal.aborted) told(false)
    throw error
  }
}

/** When helm began what is waited for, in milliseconds since 1970. */
export function beganAt({ began, since }: Omit<ReadyDue, 'by'>): number {
  return Date.parse(began ?? since)
}

function tell(
  { action, success, began }: Pick<ReleaseEnded, 'action' | 'success'> & { began: number },
  { release, targetNamespace }: ReleaseSpec,
  { now, ended }: Deps,
): void {
  // a clock that went back, or a time that is none, must not spoil a sum
  const seconds = Math.max(0, now().getTime() - began) / 1000 || 0
  ended({ release, targetNamespace, action, success, seconds })
}
