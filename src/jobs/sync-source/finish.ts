import { encodeInventory } from '../../domain/plan/inventory.ts'
import type { AppError } from '../../domain/error.ts'
import type { Change } from '../../domain/plan/change.ts'
import { autoscalerKinds } from '../../domain/plan/autoscaler.ts'
import { wasScaled } from '../../domain/plan/left-alone.ts'
import { isPassing } from '../../domain/source/passing.ts'
import { redactStatus } from '../../domain/source/redact-status.ts'
import { dependentsOf } from '../../domain/work/dependency.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import type { SourceStatus } from '../../domain/source/status.ts'
import { backoffMs } from '../../domain/work/backoff.ts'
import type { Outcome } from '../../domain/work/job.ts'
import { missedDrift } from '../drift.ts'
import { readHealth } from './health.ts'
import type { Hold } from './hold.ts'
import { type Ledger, writeLedger } from './ledger.ts'
import { moveMarker, withTag } from './marker.ts'
import type { SourceMemory } from './memory.ts'
import { rememberApplied } from './remember-applied.ts'
import { heldStatus, nextStatus, sameStatus, summarise } from './report.ts'
import { isNarrow } from './observe.ts'
import type { Sync, SyncSourceDeps } from './sync.ts'
import { tellStandstill, tellSync } from './tell.ts'
import { isTried } from './trouble.ts'

/** A sync that was overtaken by somebody else's change runs again after this time. */
const againMs = 500
/** What is held or waits for health is looked at again after this time, if nothing wakes it before. */
const lookAgainMs = 30_000

/** Writes what was seen, moves the marker, wakes who waits for this source, and says when to come back. */
export async function finish(
  sync: Sync,
  run: { writings: number; seconds: () => number; why: string; started: number },
  deps: SyncSourceDeps,
  signal: AbortSignal,
): Promise<Outcome> {
  const { spec, memory, revision, changes, ledger } = sync
  const unhealthy = spec.wait
    ? await readHealth(
        sync.desired.objects,
        memory,
        { ...deps, cluster: sync.cluster, byNamespace: isNarrow(spec) },
        signal,
      )
    : []
  const status = redactStatus(nextStatus(sync, { now: deps.now(), unhealthy }), deps.redact)
  memory.waitsForHealth = unhealthy.length > 0
  const still = sync.desired.objects.length - run.writings
  // before it is kept: killed in between, it is rather told twice than never (flux-v1 §9.9)
  await tellSync(sync, { ...run, before: ledger.status, after: status, unchanged: still }, deps, signal)
  const isNews = await keep(sync, status, deps, signal)
  const marked = await mark(sync, status, deps, signal)
  if (isTried(sync)) await rememberApplied(sync, deps, signal)
  const seconds = run.seconds()
  const summary = summarise(changes, still, seconds)
  const { namespace, name } = spec
  deps.ended({ namespace, name, success: status.ready, seconds, changes, objects: sync.desired.objects.length })
  if (isNews || changes.some(({ action }) => action === 'created' || action === 'configured' || action === 'deleted'))
    logSync(sync, summary, deps)
  if (status.ready && !ledger.status.ready) await wakeDependents(spec, deps)
  return outcomeOf({ status: marked, summary: `${revision}: ${summary}` }, sync, deps)
}

/**
 * The marker moves when the revision was loaded whole and every object was tried (ruling 13). People see the status first: a push
 * takes its time.
 */
async function mark(
  sync: Sync,
  status: SourceStatus,
  deps: SyncSourceDeps,
  signal: AbortSignal,
): Promise<SourceStatus> {
  if (!isTried(sync)) return status
  const { spec, commit, memory, tag, ledger } = sync
  const before = ledger.status.marker
  const { problem, object } = await moveMarker(spec, { commit, before, tag, memory }, deps, signal)
  if (problem === (before?.problem ?? '') && object === before?.object) return status
  const marker = problem === '' ? { commit, problem } : { commit: sync.markerBefore, problem }
  const marked = { ...status, marker: withTag(spec, marker, { ...tag, object }) }
  await keep(sync, marked, deps, signal)
  return marked
}

/** True when there is anything new to tell. */
async function keep(sync: Sync, status: SourceStatus, deps: SyncSourceDeps, signal: AbortSignal): Promise<boolean> {
  const { spec, memory } = sync
  const isNews = !sameStatus(status, sync.ledger.status)
  const encoded = encodeInventory(sync.inventory)
  const isHeld = sync.ledger.status.holder === deps.fence.epoch
  if (isNews || isHeld || encoded.digest !== sync.ledger.status.inventory.digest) {
    const { inventory } = sync
    sync.ledger = await writeLedger(
      deps,
      spec,
      { ...sync.ledger, status: { ...status, holder: sync.ledger.status.holder }, inventory, encoded, release: true },
      signal,
    )
  }
  memory.inventory = { digest: encoded.digest, inventory: sync.inventory }
  memory.rewinds = sync.rewinds
  await deps.publish(spec, sync.ledger.status, signal)
  return isNews
}

function outcomeOf(
  { status, summary }: { status: SourceStatus; summary: string },
  sync: Sync,
  deps: SyncSourceDeps,
): Outcome {
  const { spec, memory } = sync
  const missed = missedDrift(spec, memory, deps.owned)
  const problem = problemOf(status)
  memory.failures = problem === '' ? 0 : memory.failures + 1
  if (missed.length > 0)
    return { end: 'again', afterMs: againMs, why: `${missed.length} objects changed in the cluster meanwhile` }
  if (problem !== '') {
    const afterMs = backoffMs(memory.failures, deps.random, spec.syncIntervalMs)
    return { end: 'again', afterMs, why: problem }
  }
  return lookAgain(status, sync) ?? { end: 'done', summary }
}

/** What a later try may mend by itself; empty when there is nothing. */
function problemOf({ failedCount, message, marker }: SourceStatus): string {
  return failedCount > 0 ? message : (marker?.problem ?? '')
}

/** What only time changes: objects on their way to health, and what is left to somebody for now. */
function lookAgain(status: SourceStatus, { memory, pause, changes, inventory }: Sync): Outcome | undefined {
  if (memory.waitsForHealth && status.reason === 'NotReady')
    return { end: 'again', afterMs: lookAgainMs, why: status.message }
  if (hasFreed(changes, inventory)) return { end: 'again', afterMs: againMs, why: 'an autoscaler was deleted' }
  return pause ? { end: 'again', afterMs: pause.ms, why: pause.why } : undefined
}

/** What an autoscaler had a say in goes back to git when it is gone. */
function hasFreed(changes: Sync['changes'], inventory: Sync['inventory']): boolean {
  const isScaler = ({ id, action }: Change) =>
    action === 'deleted' && autoscalerKinds.some(({ kind }) => id.includes(`:${kind.toLowerCase()}/`))
  return changes.some(isScaler) && [...inventory.values()].some(wasScaled)
}

/** A held source changes nothing but its status; what wakes it is its own business, and it is looked at again. */
export async function standStill(held: Held, hold: Hold, deps: SyncSourceDeps, signal: AbortSignal): Promise<Outcome> {
  held.memory.waitsForHealth = false
  await keepHeld(held, hold, deps, signal)
  if (hold.reason === 'Suspended') return { end: 'done', summary: hold.message }
  return { end: 'again', afterMs: lookAgainMs, why: hold.message }
}

/** A sync that could not be done at all leaves its reason behind, so that nothing is without one (law 7). Never throws. */
export async function noteFailure(
  held: Held,
  { reason, message }: AppError,
  deps: SyncSourceDeps,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted || isPassing(reason)) return
  try {
    await keepHeld(held, { reason, message }, deps, signal)
  } catch (error) {
    if (!signal.aborted) deps.log.warn({ error: String(error) }, 'the reason of a failure could not be written')
  }
}

type Held = { spec: SourceSpec; ledger: Ledger; memory: SourceMemory }

async function keepHeld({ spec, ledger }: Held, hold: Hold, deps: SyncSourceDeps, signal: AbortSignal): Promise<void> {
  const status = redactStatus(heldStatus(ledger, hold), deps.redact)
  await tellStandstill(spec, { before: ledger.status, after: status }, deps)
  if (sameStatus(status, ledger.status) && ledger.status.holder !== deps.fence.epoch) return
  const written = await writeLedger(deps, spec, { ...ledger, status, release: true }, signal)
  await deps.publish(spec, written.status, signal)
  deps.log.info({ source: `${spec.namespace}/${spec.name}`, reason: hold.reason }, deps.redact(hold.message))
}

async function wakeDependents(spec: SourceSpec, { sources, enqueue, log }: SyncSourceDeps): Promise<void> {
  const reason = `source ${spec.namespace}/${spec.name} is ready`
  for (const { namespace, name } of dependentsOf(spec, sources.list())) {
    try {
      await enqueue({ kind: 'sync-source', namespace, name, reason, lane: 'change' })
    } catch (error) {
      log.warn({ source: `${namespace}/${name}`, error: String(error) }, 'could not be woken; it looks again by itself')
    }
  }
}

/** A user's mistake is info plus a status; each failure and each deletion has its line. Called on news only: an idle sync is silent. */
function logSync(sync: Sync, summary: string, deps: SyncSourceDeps): void {
  const log = deps.log.child({ source: `${sync.spec.namespace}/${sync.spec.name}`, revision: sync.revision })
  for (const { file, line, reason, message } of sync.desired.problems) log.info({ reason, file, line }, message)
  for (const { id, action, file, line, reason, message, overruled, yielded } of sync.changes) {
    if (action === 'failed') log.info({ id, reason, file, line }, message ?? '')
    if (action === 'deleted') log.info({ id }, 'deleted, it left git')
    if (overruled) log.info({ id, overruled }, 'git overruled another manager')
    if (yielded) log.info({ id, yielded }, 'fields were left to other managers, as the object asks')
    if ((action === 'created' || action === 'configured') && message) log.info({ id, file, line }, message)
  }
  for (const { id, manager, fields } of sync.drifted)
    log.info({ id, manager, fields, reason: 'Drifted' }, 'differs from git')
  if (sync.head.refused) {
    const { commit, why } = sync.head.refused
    log.warn({ reason: 'SignatureInvalid', commit }, `found invalid GPG signature for commit ${commit}: ${why}`)
  }
  log.info({}, summary)
}
