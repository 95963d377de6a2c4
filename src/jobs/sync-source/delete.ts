import { makePrunableKinds } from '../../domain/manifest/exclude-resources.ts'
import { idOf } from '../../domain/manifest/object.ts'
import { rankOf } from '../../domain/manifest/order.ts'
import { isInAllowedNamespace } from '../../domain/manifest/place.ts'
import { planPrune } from '../../domain/plan/prune.ts'
import { prune } from './prune.ts'
import type { Sync, SyncSourceDeps } from './sync.ts'
import { hasOtherWriter } from './marker.ts'
import { hasNewFailure, hasNewProblem, isTried } from './trouble.ts'
import { writeAhead } from './write-ahead.ts'

/** Deletes what left git, when that may be done at all. */
export async function pruneLeft(sync: Sync, deps: SyncSourceDeps, signal: AbortSignal): Promise<void> {
  const { spec, inventory } = sync
  if (!(spec.prune || spec.pruneDry)) return
  const plan = planOf(sync)
  const why = whyNothing(sync, hasNewFailure(sync), deps.now())
  if (why) {
    if (plan.remove.length === 0) return
    // of what was not loaded nobody knows whether it left git
    if (isTried(sync) && !spec.pruneDry) sync.waitingDeletions = { count: plan.remove.length, why }
    deps.log.info({ objects: plan.remove.length, why }, 'objects that left git stay')
    return
  }
  if (!spec.pruneDry) sync.held = plan.held
  if (spec.pruneDry) {
    for (const { entry } of plan.remove)
      deps.log.info({ id: idOf(entry.ref) }, 'would be deleted (dry run of garbage collection)')
    return
  }
  for (const key of plan.forget) inventory.delete(key)
  const ranks = Map.groupBy(plan.remove, ({ entry }) => rankOf(entry.ref.kind))
  const stages = [...ranks.keys()].sort((a, b) => b - a).map((rank) => ranks.get(rank) ?? [])
  if (plan.remove.length > 0) await writeAhead([], sync, deps, signal)
  const { gone, changes } = await prune(stages, { cluster: sync.cluster, fence: deps.fence }, signal)
  for (const key of gone) sync.inventory.delete(key)
  sync.changes.push(...changes)
}

/**
 * Why nothing at all is deleted now (rulings 7c, 20); undefined when it may be. The same for a sync and for a plan. `hasFailure`: an
 * object that is new or changed fails; an older failure does not stop pruning, not even after a rewrite.
 */
export function whyNothing(
  sync: Pick<Sync, 'spec' | 'desired' | 'ledger' | 'commit' | 'rewrittenFrom' | 'tag' | 'isRebuilt'>,
  hasFailure: boolean,
  now: Date,
): string | undefined {
  if (hasOtherWriter(sync, now)) return 'somebody else syncs this source too'
  if (sync.isRebuilt)
    return `the inventory is made anew, since ${sync.ledger.lost || 'the cluster was restored'}; the next sync deletes`
  if (!isTried(sync)) return 'something could not be loaded, and nothing is deleted before that is mended'
  if (!hasFailure && !hasNewProblem(sync)) return undefined
  return sync.rewrittenFrom === ''
    ? 'a new or changed object fails, and nothing is deleted before that is mended or another commit comes'
    : 'the history was rewritten and a new or changed object fails, and nothing is deleted before that is mended or another commit comes'
}

/** What would be deleted and what is held; the same for a sync and for a plan. */
export function planOf(
  sync: Pick<Sync, 'spec' | 'inventory' | 'desired' | 'live' | 'isOurs' | 'ledger' | 'commit' | 'isUnseen'>,
): ReturnType<typeof planPrune> {
  const { spec, inventory, desired, live, isOurs, ledger, commit } = sync
  const isPrunable = makePrunableKinds(spec.excludeResources)
  const kept = new Set(desired.objects.flatMap(({ key }) => live.get(key)?.uid ?? []))
  return planPrune({
    inventory,
    desired: new Set([...desired.objects.map(({ key }) => key), ...desired.withheld]),
    live: (key) => live.get(key),
    isOurs,
    allowed: ({ ref }) => isPrunable(ref) && isInAllowedNamespace(ref, spec.allowedNamespaces),
    massApproved: ledger.approved === commit,
    massHeld: ledger.status.held.some(({ reason }) => reason === 'MassDeletion'),
    isKept: ({ uid }) => kept.has(uid),
    isUnseen: ({ ref }) => sync.isUnseen(ref),
  })
}
