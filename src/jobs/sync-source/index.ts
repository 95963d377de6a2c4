import { toAppError, triedWithin } from '../../domain/error.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import { type JobPayload, laneOfReason, type Outcome } from '../../domain/work/job.ts'
import { beginStep } from '../../lib/progress.ts'
import { begin } from './begin.ts'
import { pruneLeft } from './delete.ts'
import { finish, noteFailure, standStill } from './finish.ts'
import { findHold } from './hold.ts'
import { keepSets } from './keep-sets.ts'
import { type Ledger, readLedger } from './ledger.ts'
import type { SourceMemory } from './memory.ts'
import type { SyncSourceDeps } from './sync.ts'
import { applyDesired } from './write.ts'

/**
 * Makes the cluster equal to what the source follows, as last fetched: load, compare digests, apply what differs, prune what left git,
 * write what was seen. Run twice at the same revision it writes nothing; killed at any line, the next run finishes the work. What fails is
 * tried again within the sync interval, however long it has been failing (hazard C1).
 */
export async function syncSource(payload: JobPayload, deps: SyncSourceDeps, signal: AbortSignal): Promise<Outcome> {
  const spec = deps.sources.get(payload.namespace, payload.name)
  if (!spec) return { end: 'done', summary: 'no such source; nothing to do' }
  const memory = deps.memory.of(spec.namespace, spec.name)
  memory.syncing = true
  try {
    return await syncOnce(spec, { memory, why: payload.reason }, deps, signal)
  } catch (error) {
    throw triedWithin(spec.syncIntervalMs, error)
  } finally {
    memory.syncing = false
  }
}

async function syncOnce(
  spec: SourceSpec,
  { memory, why }: { memory: SourceMemory; why: string },
  deps: SyncSourceDeps,
  signal: AbortSignal,
): Promise<Outcome> {
  const started = deps.now().getTime()
  const ledger = await readLedger(deps, spec, memory.inventory, signal)
  let state: { spec: SourceSpec; ledger: Ledger; memory: SourceMemory } = { spec, ledger, memory }
  try {
    const hold = await findHold(spec, ledger, deps, signal)
    if (hold) return await standStill(state, hold, deps, signal)
    beginStep(deps.log, 'reading git and the cluster')
    const sync = await begin(spec, { ledger, memory }, deps, signal)
    state = sync
    await keepSets(sync, deps, signal)
    const writings = await applyDesired(sync, { insist: laneOfReason(why) === 'person' }, deps, signal)
    await pruneLeft(sync, deps, signal)
    const seconds = () => (deps.now().getTime() - started) / 1000
    return await finish(sync, { writings, seconds, why, started }, deps, signal)
  } catch (error) {
    await noteFailure(state, toAppError(error), deps, signal)
    throw error
  }
}
