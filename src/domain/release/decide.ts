import { never } from '../../lib/never.ts'
import type { Reason } from '../status/reason.ts'
import type { ReleaseSpec } from './spec.ts'
import { lastGoodRevision, type ReleaseFacts, type ReleaseState } from './state.ts'

/** The next step of a release; one helm verb at most. */
export type Step =
  | { do: 'install' }
  | { do: 'upgrade'; why: string }
  | { do: 'rollback'; revision: number; why: string }
  /** A first install that never finished: remove what is there, then install. */
  | { do: 'remove remains' }
  /** Write down that what is deployed is what is wanted; no helm. */
  | { do: 'adopt' }
  | { do: 'nothing' }
  /** Stand still until something changes. */
  | { do: 'hold'; reason: Reason; message: string }
  /** Try again later. */
  | { do: 'wait'; reason: Reason; message: string }

/** How long ago the same inputs failed, and whether that back-off is over. */
export type Patience = { isOver: boolean; message: string }

/** Pure: state → step. helm-operator §4.1, §4.2, mended as its complaints 1, 2 and 7 ask. */
export function decide(state: ReleaseState, facts: ReleaseFacts, spec: ReleaseSpec, patience: Patience): Step {
  switch (state) {
    case 'absent':
      return { do: 'install' }
    case 'in sync':
      return { do: 'nothing' }
    case 'adoptable':
      return { do: 'adopt' }
    case 'out of sync':
      return { do: 'upgrade', why: 'the chart or the values changed' }
    case 'foreign inputs':
      return { do: 'upgrade', why: 'what is deployed differs from what is wanted' }
    case 'changed by hand':
      return { do: 'upgrade', why: 'the release was changed by hand' }
    case 'failed':
      return afterFailure(facts)
    case 'failed inputs':
      return retry(facts, spec, patience)
    case 'interrupted':
      return afterInterruption(facts)
    case 'busy':
      return { do: 'wait', reason: 'OtherWriter', message: 'helm is at work on this release in another process' }
    case 'foreign trouble':
      return { do: 'hold', reason: 'AdoptionHold', message: troubleMessage(facts) }
    case 'foreign owner':
      return { do: 'hold', reason: 'OtherWriter', message: 'the release belongs to another HelmRelease' }
    default:
      return never(state)
  }
}

function troubleMessage({ revisions }: ReleaseFacts): string {
  const latest = revisions.at(-1)
  return `revision ${latest?.revision} is ${latest?.state} and was not begun by Capstan; it is left alone until chart or values change or somebody mends it with helm`
}

/** helm upgrades over a failed revision when an older one was deployed; a failed first install is removed first. */
function afterFailure({ revisions }: ReleaseFacts): Step {
  const everDeployed = revisions.some(({ state }) => state === 'deployed' || state === 'superseded')
  return everDeployed ? { do: 'upgrade', why: 'the last revision failed' } : { do: 'remove remains' }
}

function afterInterruption(facts: ReleaseFacts): Step {
  const good = lastGoodRevision(facts.revisions)
  return good === undefined
    ? { do: 'remove remains' }
    : { do: 'rollback', revision: good, why: 'a helm run was interrupted' }
}

/** After a rollback only the retry budget allows another try (helm-operator §4.1-6); otherwise back-off that never ends (ruling 11). */
function retry(facts: ReleaseFacts, spec: ReleaseSpec, patience: Patience): Step {
  const failed = facts.record?.failed
  const { rollback } = spec
  if (rollback.enable && (failed?.rolledBack ?? 0) > 0) {
    const budgetLeft = rollback.retry && (rollback.maxRetries === 0 || (failed?.rolledBack ?? 0) <= rollback.maxRetries)
    if (!budgetLeft) {
      return {
        do: 'hold',
        reason: 'HelmFailed',
        message: `rolled back; not tried again until chart or values change: ${failed?.message ?? ''}`,
      }
    }
  }
  if (failed?.by === 'test' && !rollback.enable) {
    return {
      do: 'hold',
      reason: 'HelmFailed',
      message: `its tests failed; not tried again until chart or values change: ${failed.message}`,
    }
  }
  if (!patience.isOver) return { do: 'wait', reason: 'HelmFailed', message: patience.message }
  const latest = facts.revisions.at(-1)
  if (!latest || latest.state === 'uninstalled') return { do: 'install' }
  return latest.state === 'deployed' ? { do: 'upgrade', why: 'tried again' } : afterFailure(facts)
}
