import { canonicalJson } from '../../lib/canonical-json.ts'
import { checksumAnnotation, gcMarkLabel } from '../manifest/annotations.ts'
import { idOf, type KubeObject } from '../manifest/object.ts'
import type { Reason } from '../status/reason.ts'
import type { Action, Change } from './change.ts'
import type { Held } from './prune.ts'
import { lastAppliedAnnotation } from './take-over.ts'

/** What would happen to one object, with a masked diff where it would be made or changed. */
export type PlannedChange = Change & { diff?: string }

/** A deletion that something holds, and how to let it go. */
export type PlannedHold = { id: string; file: string; reason: Reason; message: string }

/** One value of a release: where it stands, as JSON text or masked, and which source it came from. */
export type PlannedValue = {
  /** As `helm --set` writes it: `image.tag`; dots inside of a key have a backslash. */
  path: string
  value: string
  source: string
  /** Sources that had a value here too, which this one replaced, in order. */
  over: string[]
}

export type PlanCounts = Record<Action | 'held', number>

/** The change set that a revision would cause; lies in Redis for an hour (W7). Masked: safe to show. */
export type Plan = {
  id: string
  /** The source, or the HelmRelease. */
  namespace: string
  name: string
  state: 'queued' | 'running' | 'done' | 'failed'
  /** `branch@<40 hex>` or `upload`, of a release `chart@version`; empty while it is not known. */
  revision: string
  /** RFC 3339; empty while it runs. */
  finishedAt: string
  /** Why there is no plan; empty unless it failed. */
  reason: Reason | ''
  message: string
  /** Everything but what would stay as it is. */
  changes: PlannedChange[]
  counts: PlanCounts
  held: PlannedHold[]
  warnings: string[]
  /** Of a release, where they were asked for. */
  values?: PlannedValue[]
}

/** A plan of which nothing is known yet. */
export function emptyPlan(
  { id, namespace, name }: Pick<Plan, 'id' | 'namespace' | 'name'>,
  state: Plan['state'],
): Plan {
  const counts = countChanges([], { unchanged: 0, held: 0 })
  const nothing = { revision: '', finishedAt: '', changes: [], counts, held: [], warnings: [] }
  return { id, namespace, name, state, reason: '', message: '', ...nothing }
}

/** Fields of an object that a plan does not compare and does not show: the server's own, and our marks on it. */
export function plainObject(whole: KubeObject): KubeObject {
  const { status: _, ...object } = whole
  const { labels, annotations, ...metadata } = object.metadata
  for (const field of serverFields) delete metadata[field]
  return {
    ...object,
    metadata: {
      ...metadata,
      ...without('labels', labels, [gcMarkLabel]),
      ...without('annotations', annotations, [checksumAnnotation, lastAppliedAnnotation]),
    },
  } as KubeObject
}

const serverFields = ['managedFields', 'resourceVersion', 'generation', 'uid', 'creationTimestamp'] as const

function without(name: string, map: Record<string, string> | undefined, keys: readonly string[]): object {
  const kept = Object.entries(map ?? {}).filter(([key]) => !keys.includes(key))
  return kept.length > 0 ? { [name]: Object.fromEntries(kept) } : {}
}

/** Whether an apply would change anything that counts. */
export function wouldChange(live: KubeObject, after: KubeObject): boolean {
  return canonicalJson(plainObject(live)) !== canonicalJson(plainObject(after))
}

/** The deletions that {@link planPrune} holds, for people; a held mass deletion says how to let it go. */
export function plannedHolds(held: readonly Held[], commit: string): PlannedHold[] {
  return held.map(({ entry, reason, message }) => ({
    id: idOf(entry.ref),
    file: entry.file,
    reason,
    message: reason === 'MassDeletion' && commit ? `${message}: capstan approve --commit ${commit}` : message,
  }))
}

/** How many objects of each action; `unchanged` and `held` are counted by the caller. */
export function countChanges(changes: readonly Change[], others: Pick<PlanCounts, 'held' | 'unchanged'>): PlanCounts {
  const counts: PlanCounts = { created: 0, configured: 0, unchanged: 0, deleted: 0, skipped: 0, failed: 0, held: 0 }
  for (const { action } of changes) counts[action]++
  return { ...counts, ...others }
}

/**
 * The plan cut to a size that can be stored, in bytes of JSON: diffs go first, from the first that does not fit, then changes, then
 * holds. The counts stay whole and a warning says what is left out.
 */
export function fitPlan(plan: Plan, mostBytes: number): Plan {
  const room = { left: mostBytes - sizeOf({ ...plan, changes: [], held: [], warnings: [] }) - 1024 }
  const warnings = takeWhole(plan.warnings, room)
  const bare = plan.changes.map(withoutDiff)
  const changes: PlannedChange[] = takeWhole(bare, room)
  const held = takeWhole(plan.held, room)
  let hidden = 0
  for (const [index, change] of changes.entries()) {
    const diff = plan.changes[index]?.diff
    if (!diff) continue
    room.left -= sizeOf({ diff })
    if (room.left >= 0) changes[index] = { ...change, diff }
    else hidden++
  }
  const missing = plan.changes.length - changes.length + plan.held.length - held.length
  return {
    ...plan,
    changes,
    held,
    warnings: [
      ...warnings,
      ...(hidden > 0 ? [`the plan is too large to show all of it: ${hidden} diffs are left out`] : []),
      ...(missing > 0 ? [`the plan is too large to show all of it: ${missing} objects are only counted`] : []),
    ],
  }
}

function withoutDiff(change: PlannedChange): PlannedChange {
  const { diff: _, ...bare } = change
  return bare
}

function takeWhole<T>(items: readonly T[], room: { left: number }): T[] {
  const taken: T[] = []
  for (const item of items) {
    const size = sizeOf(item)
    if (size > room.left) break
    room.left -= size
    taken.push(item)
  }
  return taken
}

function sizeOf(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value)).length + 1
}
