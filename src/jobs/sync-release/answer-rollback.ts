import type { ReleaseState } from '../../domain/release/state.ts'
import type { Stop } from '../../domain/release/decide.ts'
import { inputsOf } from '../../domain/release/record.ts'
import { isPinned, type RollbackRequest, unanswered } from '../../domain/release/rollback-request.ts'
import { markObjects } from './antecedent.ts'
import { countAction } from './count.ts'
import type { SyncReleaseDeps } from './deps.ts'
import { begin, digestsOf, latestOf, settle } from './keep-record.ts'
import { narrate } from './narrate.ts'
import { lookAfter } from './revisions.ts'
import type { PreparedWork, Work } from './work.ts'

/** Not ours, under way, or nothing to go back from: a wish waits, or there is nothing to it. */
const notNow: readonly ReleaseState[] = ['foreign owner', 'busy', 'interrupted', 'inputs needed', 'absent', 'removed']

/** Goes back to the revision that somebody wished for, once. True when it was tried: the world is to be looked at again. */
export async function answerRollback(work: Work, state: ReleaseState, deps: SyncReleaseDeps): Promise<boolean> {
  const wish = unanswered(work.spec.rollbackRequest, work.stored.record)
  if (!wish || !isPrepared(work) || notNow.includes(state)) return false
  await goBack(wish, work, deps)
  return true
}

/** Why nothing else is deployed: somebody rolled it back, and what they turned away from is still wanted. */
export function pinOf({ spec, stored, wanted, revisions }: Work): Stop | undefined {
  const wish = spec.rollbackRequest
  if (!wish || !wanted || revisions.at(-1)?.state !== 'deployed') return undefined
  const facts = { record: stored.record, inputs: inputsOf(digestsOf(wanted)), latest: revisions.at(-1)?.revision ?? 0 }
  if (!isPinned(wish, facts)) return undefined
  const message = `rolled back to revision ${wish.revision}${byWhom(wish)}; it stays so until chart or values change`
  return { do: 'hold', reason: 'RolledBack', message }
}

function byWhom({ by }: RollbackRequest): string {
  return by === '' ? '' : ` by ${by}`
}

async function goBack(wish: RollbackRequest, work: PreparedWork, deps: SyncReleaseDeps): Promise<void> {
  const { spec, status, signal } = work
  const { applied, failed } = work.stored.record ?? {}
  await begin(work, { verb: 'rollback' }, deps)
  status.enter('RollingBack', `Rolling back release ${spec.release} to revision ${wish.revision}${byWhom(wish)}`)
  await status.write()
  narrate(spec, 'running rollback', deps, { revision: wish.revision })
  deps.fence.check()
  const began = deps.now().getTime()
  const { timeoutSeconds, wait, force, recreate, disableHooks } = spec.rollback
  const target = { release: spec.release, namespace: spec.targetNamespace, timeoutSeconds }
  const request = { ...target, revision: wish.revision, wait, force, recreatePods: recreate, disableHooks }
  const outcome = await deps.helm.rollback(request, signal)
  await lookAfter(outcome, work, deps)
  countAction('rollback', { success: outcome.ok, began }, work, deps)
  const inputs = inputsOf(digestsOf(work.wanted))
  const pinned = { request: wish.text, inputs, revision: outcome.ok ? latestOf(work) : 0 }
  await settle(work, { ...(applied ? { applied } : {}), ...(failed ? { failed } : {}), pinned }, deps)
  narrate(spec, outcome.ok ? 'rollback succeeded' : `rollback failed: ${outcome.message}`, deps)
  if (outcome.ok) {
    status.enter('RolledBack', `Rolled back release ${spec.release} to revision ${wish.revision}${byWhom(wish)}`)
    await markObjects(work, deps)
  } else status.enter('RollbackFailed', `${outcome.reason}: ${outcome.message}`)
}

function isPrepared(work: Work): work is PreparedWork {
  return work.wanted !== undefined
}
