import { makePrunableKinds } from '../../domain/manifest/exclude-resources.ts'
import { idOf } from '../../domain/manifest/object.ts'
import { rankOf } from '../../domain/manifest/order.ts'
import { isInAllowedNamespace } from '../../domain/manifest/place.ts'
import type { Change } from '../../domain/plan/change.ts'
import { planPrune } from '../../domain/plan/prune.ts'
import { failingSince } from '../../domain/source/status.ts'
import { prune } from './prune.ts'
import { failureOf } from './failure-of.ts'
import type { Sync, SyncSourceDeps } from './sync.ts'
import { hasOtherWriter } from './marker.ts'
import { claim } from './write.ts'

/** Deletes what left git, when that may be done at all. */
export async function pruneLeft(sync: Sync, deps: SyncSourceDeps, signal: AbortSignal): Promise<void> {
  const { spec, inventory } = sync
  if (!(spec.prune || spec.pruneDry) || hasOtherWriter(sync, deps.now())) return
  if (!isLoadedWhole(sync) || hasNewFailure(sync) || isHalfRewritten(sync)) return
  const plan = planOf(sync)
  if (!spec.pruneDry) sync.held = plan.held
  if (spec.pruneDry) {
    for (const { entry } of plan.remove)
      deps.log.info({ id: idOf(entry.ref) }, 'would be deleted (dry run of garbage collection)')
    return
  }
  for (const key of plan.forget) inventory.delete(key)
  const ranks = Map.groupBy(plan.remove, ({ entry }) => rankOf(entry.ref.kind))
  const stages = [...ranks.keys()].sort((a, b) => b - a).map((rank) => ranks.get(rank) ?? [])
  if (plan.remove.length > 0) await claim(sync, deps, signal)
  const { gone, changes } = await prune(stages, { cluster: sync.cluster, fence: deps.fence }, signal)
  for (const key of gone) sync.inventory.delete(key)
  sync.changes.push(...changes)
}

/** What would be deleted and what is held; the same for a sync and for a plan. */
export function planOf(
  sync: Pick<Sync, 'spec' | 'inventory' | 'desired' | 'live' | 'mark' | 'ledger' | 'commit'>,
): ReturnType<typeof planPrune> {
  const { spec, inventory, desired, live, mark, ledger, commit } = sync
  const isPrunable = makePrunableKinds(spec.excludeResources)
  const kept = new Set(desired.objects.flatMap(({ key }) => live.get(key)?.uid ?? []))
  return planPrune({
    inventory,
    desired: new Set([...desired.objects.map(({ key }) => key), ...desired.withheld]),
    live: (key) => live.get(key),
    mark: ({ ref }) => mark(ref),
    allowed: ({ ref }) => isPrunable(ref) && isInAllowedNamespace(ref, spec.allowedNamespaces),
    massApproved: ledger.approved === commit,
    massHeld: ledger.status.held.some(({ reason }) => reason === 'MassDeletion'),
    isKept: ({ uid }) => kept.has(uid),
  })
}

/**
 * Nothing is pruned while something could not be loaded. A kind that the cluster does not know is different: the object is read,
 * only not applied, so it counts like a failed object and stops pruning at the revision that brought it, not for ever.
 */
export function isLoadedWhole({ desired, ledger, commit }: Pick<Sync, 'desired' | 'ledger' | 'commit'>): boolean {
  return desired.problems.every(({ id = '', file, reason }) => {
    return reason === 'UnknownKind' && failingSince({ id, file, reason }, ledger.status.failed, commit) !== commit
  })
}

/** A failure of an object that is new or changed may be half of a rename; an older one does not stop pruning (ruling 7c). */
function hasNewFailure(sync: Sync): boolean {
  const { changes, ledger, commit } = sync
  const isNew = (change: Change) =>
    change.action === 'failed' && failingSince(failureOf(change), ledger.status.failed, commit) === commit
  if (changes.some(isNew)) return true
  return [...sync.inventory.values()].some(({ tried, triedAt }) => tried !== '' && triedAt === sync.commit)
}

/** After a rewrite everything must have been applied once (hazard D2). */
function isHalfRewritten({ rewrittenFrom, changes }: Sync): boolean {
  return rewrittenFrom !== '' && changes.some(({ action }) => action === 'failed')
}
