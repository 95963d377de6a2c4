import { makePrunableKinds } from '../../domain/manifest/exclude-resources.ts'
import { idOf } from '../../domain/manifest/object.ts'
import { isOfOneObject } from '../../domain/manifest/problem.ts'
import { rankOf } from '../../domain/manifest/order.ts'
import { isInAllowedNamespace } from '../../domain/manifest/place.ts'
import type { Change } from '../../domain/plan/change.ts'
import { planPrune } from '../../domain/plan/prune.ts'
import { createFailingSince } from '../../domain/source/failing-since.ts'
import { prune } from './prune.ts'
import { failureOf } from './failure-of.ts'
import type { Sync, SyncSourceDeps } from './sync.ts'
import { hasOtherWriter } from './marker.ts'
import { writeAhead } from './write-ahead.ts'

/** Deletes what left git, when that may be done at all. */
export async function pruneLeft(sync: Sync, deps: SyncSourceDeps, signal: AbortSignal): Promise<void> {
  const { spec, inventory } = sync
  if (!(spec.prune || spec.pruneDry)) return
  const plan = planOf(sync)
  const why = whyNothing(sync, { isNew: hasNewFailure(sync), isAny: sync.changes.some(isFailed) }, deps.now())
  if (why) {
    if (plan.remove.length > 0) deps.log.info({ objects: plan.remove.length, why }, 'objects that left git stay')
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
 * Why nothing at all is deleted now (rulings 7c, 20); undefined when it may be. The same for a sync and for a plan. `isNew`: an object
 * that is new or changed fails; an older failure does not stop pruning, unless a rewrite is not applied whole yet.
 */
export function whyNothing(
  sync: Pick<Sync, 'spec' | 'desired' | 'ledger' | 'commit' | 'rewrittenFrom' | 'tag' | 'isRebuilt'>,
  failure: { isNew: boolean; isAny: boolean },
  now: Date,
): string | undefined {
  if (hasOtherWriter(sync, now)) return 'somebody else syncs this source too'
  if (sync.isRebuilt)
    return 'the inventory is made anew, since it could not be read or the cluster was restored; the next sync deletes'
  if (!isLoadedWhole(sync)) return 'something could not be loaded, and nothing is deleted before that is mended'
  if (failure.isNew) return 'a new or changed object fails, and nothing is deleted before that is mended'
  if (sync.rewrittenFrom !== '' && failure.isAny)
    return 'the history was rewritten, and nothing is deleted before all was applied once'
  return undefined
}

/** What would be deleted and what is held; the same for a sync and for a plan. */
export function planOf(
  sync: Pick<Sync, 'spec' | 'inventory' | 'desired' | 'live' | 'mark' | 'ledger' | 'commit' | 'isUnseen'>,
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
    isUnseen: ({ ref }) => sync.isUnseen(ref),
  })
}

/** Nothing is pruned while something could not be loaded; what concerns one object stops it only at the revision that brought it. */
function isLoadedWhole({ desired, ledger, commit }: Pick<Sync, 'desired' | 'ledger' | 'commit'>): boolean {
  const since = createFailingSince(ledger.status, commit)
  return desired.problems.every((problem) => {
    const { id = '', file, reason } = problem
    return isOfOneObject(problem) && since({ id, file, reason }) !== commit
  })
}

/** A failure of an object that is new or changed may be half of a rename; an older one does not stop pruning (ruling 7c). */
function hasNewFailure({ changes, ledger, commit, inventory }: Sync): boolean {
  const since = createFailingSince(ledger.status, commit)
  const isNew = (change: Change) => isFailed(change) && since(failureOf(change)) === commit
  if (changes.some(isNew)) return true
  return [...inventory.values()].some(({ tried, triedAt }) => tried !== '' && triedAt === commit)
}

function isFailed({ action }: Change): boolean {
  return action === 'failed'
}
