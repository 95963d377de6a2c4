import { groupOf, idOf } from '../manifest/object.ts'
import type { Reason } from '../status/reason.ts'
import type { Inventory, InventoryEntry } from './inventory.ts'
import type { LiveObject } from './live.ts'

/** Kinds that hold what cannot be made again: deleted only where the live object says so (law 8, hazard G10). */
const protectedKinds = new Set([
  '/Namespace',
  '/PersistentVolume',
  '/PersistentVolumeClaim',
  'apiextensions.k8s.io/CustomResourceDefinition',
])

/** More than this share of at least this many owned objects is a mass deletion (law 8). */
const massShare = 0.5
const massFloor = 10

export type Held = { key: string; entry: InventoryEntry; reason: Reason; message: string }

export type PrunePlan = {
  /** To delete now. */
  remove: { key: string; entry: InventoryEntry; live: LiveObject }[]
  /** Would be deleted, but something holds it; stays in the inventory. */
  held: Held[]
  /** Gone already, or not ours any more: leaves the inventory, nothing is deleted. */
  forget: string[]
}

export type PruneFacts = {
  inventory: Inventory
  /** Keys that git defines at this revision, whatever became of them. */
  desired: ReadonlySet<string>
  /** Live metadata of an object that left git; undefined when the cluster does not have it. */
  live: (key: string) => LiveObject | undefined
  /** It carries a mark of this source: that of now, or one from before its URL, branch or paths were changed. */
  isOurs: (live: LiveObject) => boolean
  /** False: namespace outside the allow-list, never touched (ruling 7e). */
  allowed: (entry: InventoryEntry) => boolean
  /** Somebody approved the mass deletion of this very revision. */
  massApproved: boolean
  /** A mass deletion is held already: it stays so, whatever else comes, until it is approved. */
  massHeld: boolean
  /** It could not be listed, so nothing is known of it: it stays as it is. */
  isUnseen: (entry: InventoryEntry) => boolean
  /** Git still wants this very object, under another version or group of its API. */
  isKept: (live: LiveObject) => boolean
}

/** What left git, minus all that must not be deleted. Pure: the caller reads each object again before it deletes it. */
export function planPrune(facts: PruneFacts): PrunePlan {
  const plan: PrunePlan = { remove: [], held: [], forget: [] }
  for (const [key, entry] of facts.inventory) {
    if (facts.desired.has(key)) continue
    sortOut(plan, key, entry, facts)
  }
  return facts.massApproved ? plan : guardMass(plan, facts)
}

function sortOut(plan: PrunePlan, key: string, entry: InventoryEntry, facts: PruneFacts): void {
  if (facts.isUnseen(entry)) return
  const live = facts.live(key)
  if (!live || !facts.isOurs(live) || facts.isKept(live)) {
    plan.forget.push(key)
    return
  }
  if (live.deleting || live.ignore !== '' || live.hasOwner || !facts.allowed(entry)) return
  if (protectedKinds.has(`${groupOf(entry.ref.apiVersion)}/${entry.ref.kind}`) && !live.pruneAllowed) {
    plan.held.push({ key, entry, reason: 'DeleteHeld', message: heldMessage(entry) })
    return
  }
  plan.remove.push({ key, entry, live })
}

function heldMessage(entry: InventoryEntry): string {
  const { kind, namespace, name } = entry.ref
  const where = namespace ? ` -n ${namespace}` : ''
  return `${idOf(entry.ref)} left git; a ${kind} is deleted only when you say so: kubectl annotate ${kind.toLowerCase()}${where} ${name} capstan.dev/prune=allow`
}

/** An empty desired state, or one that lost more than half of at least ten objects, deletes nothing by itself. */
function guardMass(plan: PrunePlan, { inventory, desired, massHeld }: PruneFacts): PrunePlan {
  const approved = plan.remove.filter(({ live }) => live.pruneAllowed)
  const counted = plan.remove.filter(({ live }) => !live.pruneAllowed)
  const isMass = counted.length >= massFloor && counted.length > inventory.size * massShare
  if (counted.length === 0 || (desired.size > 0 && !isMass && !massHeld)) return plan
  const message = `${counted.length} of ${inventory.size} objects left git at once; nothing is deleted until somebody approves it`
  return {
    remove: approved,
    held: [
      ...plan.held,
      ...counted.map(({ key, entry }) => ({ key, entry, reason: 'MassDeletion' as const, message })),
    ],
    forget: plan.forget,
  }
}
