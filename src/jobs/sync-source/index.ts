import { AppError } from '../../domain/error.ts'
import { gcMark, syncSetName, withSyncMeta } from '../../domain/manifest/gc-mark.ts'
import { idOf, type ObjectRef } from '../../domain/manifest/object.ts'
import { rankOf } from '../../domain/manifest/order.ts'
import { compare } from '../../domain/plan/compare.ts'
import { encodeInventory, mergeInventory } from '../../domain/plan/inventory.ts'
import { planPrune } from '../../domain/plan/prune.ts'
import { safeUrl } from '../../domain/source/git-url.ts'
import { printRevision } from '../../domain/source/revision.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import { failingSince } from '../../domain/source/status.ts'
import { backoffMs } from '../../domain/work/backoff.ts'
import type { JobPayload, Outcome } from '../../domain/work/job.ts'
import { missedDrift } from '../drift.ts'
import { readHead } from '../read-head.ts'
import { applyStage, type Writing, type Written } from './apply.ts'
import { type Desired, type DesiredObject, loadBodies, loadDesired } from './desired.ts'
import { readLedger, writeLedger } from './ledger.ts'
import type { SourceMemory } from './memory.ts'
import { observeLive, seedInventory } from './observe.ts'
import { prune } from './prune.ts'
import { nextStatus, sameStatus, summarise } from './report.ts'
import type { Sync, SyncSourceDeps } from './sync.ts'

/** A sync that was overtaken by somebody else's change runs again after this time. */
const againMs = 500

/**
 * Makes the cluster equal to the source's branch as last fetched: load, compare digests, apply what differs, prune what left git,
 * write what was seen. Run twice at the same revision it writes nothing; killed at any line, the next run finishes the work.
 */
export async function syncSource(payload: JobPayload, deps: SyncSourceDeps, signal: AbortSignal): Promise<Outcome> {
  const spec = deps.sources.get(payload.namespace, payload.name)
  if (!spec) return { end: 'done', summary: 'no such source; nothing to do' }
  const memory = deps.memory.of(spec.namespace, spec.name)
  const started = deps.now().getTime()
  memory.syncing = true
  try {
    const sync = await begin(spec, memory, deps, signal)
    const writings = await applyDesired(sync, deps, signal)
    await pruneLeft(sync, deps, signal)
    return await finish(sync, { writings, seconds: (deps.now().getTime() - started) / 1000 }, deps, signal)
  } finally {
    memory.syncing = false
  }
}

async function begin(spec: SourceSpec, memory: SourceMemory, deps: SyncSourceDeps, signal: AbortSignal): Promise<Sync> {
  const ledger = await readLedger(deps, spec, memory.inventory, signal)
  const commit = await readHead(spec, deps, signal)
  const desired = await loadOrReport({ spec, commit, memory }, deps, signal)
  const live = await observeLive(desired.objects, ledger.inventory, deps, signal)
  const set = syncSetName({ safeUrl: safeUrl(spec.url), branch: spec.branch, paths: spec.paths })
  const mark = (ref: ObjectRef) => gcMark(set, ref)
  const inventory = seedInventory(ledger.inventory, live.values(), mark)
  const revision = printRevision({ branch: spec.branch, commit })
  return { spec, commit, revision, memory, ledger, desired, live, mark, inventory, changes: [], held: [] }
}

/** A path that is missing is a problem of the desired state, shown in the status; nothing is applied or deleted for it. */
async function loadOrReport(
  { spec, commit, memory }: { spec: SourceSpec; commit: string; memory: SourceMemory },
  deps: SyncSourceDeps,
  signal: AbortSignal,
): Promise<Desired> {
  const scopeOf = async (apiVersion: string, kind: string) => await deps.cluster.resource(apiVersion, kind, signal)
  try {
    return await loadDesired(
      { spec, remote: deps.sources.remote(spec), commit },
      memory,
      { git: deps.git, scopeOf },
      signal,
    )
  } catch (error) {
    if (!(error instanceof AppError) || error.reason !== 'PathNotFound') throw error
    return {
      objects: [],
      withheld: new Set(),
      problems: [{ reason: error.reason, file: '', line: 0, message: error.message }],
      warnings: [],
      fresh: new Map(),
    }
  }
}

async function applyDesired(sync: Sync, deps: SyncSourceDeps, signal: AbortSignal): Promise<number> {
  const wanted = sync.desired.objects.filter((object) => mustApply(object, sync))
  if (wanted.length === 0) return 0
  await claim(sync, deps, signal)
  const bodies = await loadBodies(
    wanted,
    sync.desired.fresh,
    { git: deps.git, remote: deps.sources.remote(sync.spec) },
    signal,
  )
  const stages = Map.groupBy(wanted, ({ ref }) => rankOf(ref.kind))
  for (const rank of [...stages.keys()].sort((a, b) => a - b)) {
    const writings = (stages.get(rank) ?? []).flatMap((object) => toWriting(object, bodies.get(object.key), sync))
    const written = await applyStage(writings, deps, signal)
    for (const one of written) note(one, sync)
  }
  return wanted.length
}

function mustApply(object: DesiredObject, sync: Sync): boolean {
  const { key, digest, ignored } = object
  const facts = {
    digest,
    ignoredInGit: ignored,
    live: sync.live.get(key),
    mark: sync.mark(object.ref),
    entry: sync.inventory.get(key),
  }
  const verdict = compare(facts)
  if (verdict.act === 'skip') {
    const waits = verdict.why === 'being deleted'
    const message = waits ? `${object.id} is being deleted in the cluster; applied again when it is gone` : verdict.why
    const { id, file, line } = object
    sync.changes.push({ id, file, line, action: 'skipped', message, ...(waits ? { reason: 'NotReady' as const } : {}) })
  }
  return verdict.act === 'apply'
}

/** Write-ahead: what is about to be applied is in the inventory before the first write, and this process is the one writer. */
async function claim(sync: Sync, deps: SyncSourceDeps, signal: AbortSignal): Promise<void> {
  const merged = mergeInventory(
    sync.inventory,
    sync.desired.objects.filter(({ ignored }) => !ignored),
  )
  const isNew = merged.size !== sync.inventory.size || !sync.ledger.inventory
  sync.inventory = merged
  if (isNew || sync.ledger.status.holder !== deps.fence.epoch) {
    sync.ledger = await writeLedger(deps, sync.spec, { ...sync.ledger, inventory: merged }, signal)
  }
}

function toWriting(object: DesiredObject, body: Parameters<typeof withSyncMeta>[0] | undefined, sync: Sync): Writing[] {
  if (!body) return []
  const { ref, file, line, digest } = object
  const marked = withSyncMeta(body, { mark: sync.mark(object.ref), checksum: digest })
  return [{ key: object.key, ref, file, line, digest, object: marked, live: sync.live.get(object.key) }]
}

function note({ writing, change, owned }: Written, sync: Sync): void {
  sync.changes.push(change)
  const { key, ref, file, digest } = writing
  const before = sync.inventory.get(key) ?? { ref, file, applied: '', owned: '', tried: '', triedAt: '' }
  const failed = change.action === 'failed'
  sync.inventory.set(key, {
    ...before,
    ref,
    file,
    ...(failed
      ? { tried: digest, triedAt: before.tried === digest ? before.triedAt : sync.commit }
      : { applied: digest, owned, tried: '', triedAt: '' }),
  })
}

async function pruneLeft(sync: Sync, deps: SyncSourceDeps, signal: AbortSignal): Promise<void> {
  const { spec, desired, inventory } = sync
  if (!(spec.prune || spec.pruneDry) || !isLoadedWhole(sync) || hasNewFailure(sync)) return
  const plan = planPrune({
    inventory,
    desired: new Set([...desired.objects.map(({ key }) => key), ...desired.withheld]),
    live: (key) => sync.live.get(key),
    mark: ({ ref }) => sync.mark(ref),
    allowed: ({ ref }) => isAllowed(ref.namespace, spec.allowedNamespaces),
    massApproved: sync.ledger.approved === sync.commit,
  })
  sync.held = plan.held
  if (spec.pruneDry) {
    for (const { entry } of plan.remove)
      deps.log.info({ id: idOf(entry.ref) }, 'would be deleted (dry run of garbage collection)')
    return
  }
  for (const key of plan.forget) inventory.delete(key)
  const ranks = Map.groupBy(plan.remove, ({ entry }) => rankOf(entry.ref.kind))
  const stages = [...ranks.keys()].sort((a, b) => b - a).map((rank) => ranks.get(rank) ?? [])
  if (plan.remove.length > 0) await claim(sync, deps, signal)
  const { gone, changes } = await prune(stages, deps, signal)
  for (const key of gone) sync.inventory.delete(key)
  sync.changes.push(...changes)
}

/**
 * Nothing is pruned while something could not be loaded. A kind that the cluster does not know is different: the object is read,
 * only not applied, so it counts like a failed object and stops pruning at the revision that brought it, not for ever.
 */
function isLoadedWhole({ desired, ledger, commit }: Sync): boolean {
  return desired.problems.every(({ id = '', file, reason }) => {
    return reason === 'UnknownKind' && failingSince({ id, file, reason }, ledger.status.failed, commit) !== commit
  })
}

/** A failure of an object that is new or changed may be half of a rename; an older one does not stop pruning (ruling 7c). */
function hasNewFailure(sync: Sync): boolean {
  return [...sync.inventory.values()].some(({ tried, triedAt }) => tried !== '' && triedAt === sync.commit)
}

function isAllowed(namespace: string | undefined, allowed: readonly string[]): boolean {
  return allowed.length === 0 || namespace === undefined || allowed.includes(namespace)
}

async function finish(
  sync: Sync,
  run: { writings: number; seconds: number },
  deps: SyncSourceDeps,
  signal: AbortSignal,
): Promise<Outcome> {
  const { spec, memory, revision, changes } = sync
  const status = nextStatus(sync)
  const { digest } = encodeInventory(sync.inventory)
  const isNews = !sameStatus(status, sync.ledger.status)
  if (isNews || digest !== sync.ledger.status.inventory.digest) {
    sync.ledger = await writeLedger(deps, spec, { ...sync.ledger, status, inventory: sync.inventory }, signal)
  }
  memory.inventory = { digest, inventory: sync.inventory }
  const summary = summarise(changes, sync.desired.objects.length - run.writings, run.seconds)
  const { namespace, name } = spec
  deps.ended({
    namespace,
    name,
    success: status.ready,
    seconds: run.seconds,
    changes,
    objects: sync.desired.objects.length,
  })
  if (isNews || changes.some(({ action }) => action === 'created' || action === 'configured' || action === 'deleted'))
    logSync(sync, summary, deps)
  const missed = missedDrift(memory, deps.owned)
  memory.failures = status.ready ? 0 : memory.failures + 1
  if (missed.length > 0)
    return { end: 'again', afterMs: againMs, why: `${missed.length} objects changed in the cluster meanwhile` }
  if (status.ready || status.reason === 'MassDeletion') return { end: 'done', summary: `${revision}: ${summary}` }
  return {
    end: 'again',
    afterMs: Math.min(backoffMs(memory.failures, deps.random), spec.syncIntervalMs),
    why: status.message,
  }
}

/** A user's mistake is info plus a status; each failure and each deletion has its line. Called on news only: an idle sync is silent. */
function logSync(sync: Sync, summary: string, deps: SyncSourceDeps): void {
  const log = deps.log.child({ source: `${sync.spec.namespace}/${sync.spec.name}`, revision: sync.revision })
  for (const { file, line, reason, message } of sync.desired.problems) log.info({ reason, file, line }, message)
  for (const { id, action, file, line, reason, message, overruled } of sync.changes) {
    if (action === 'failed') log.info({ id, reason, file, line }, message ?? '')
    if (action === 'deleted') log.info({ id }, 'deleted, it left git')
    if (overruled) log.info({ id, overruled }, 'git overruled another manager')
  }
  log.info({}, summary)
}
