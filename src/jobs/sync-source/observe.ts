import { AppError } from '../../domain/error.ts'
import type { KubeObject, ObjectRef } from '../../domain/manifest/object.ts'
import type { Inventory, InventoryEntry } from '../../domain/plan/inventory.ts'
import { type LiveObject, liveKey, liveObject } from '../../domain/plan/live.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import type { Seeing } from '../owned-objects.ts'
import type { DesiredObject } from './desired.ts'
import type { SyncSourceDeps } from './sync.ts'

/** Up to this many unknown objects of a kind are read one by one; beyond it one paged list of metadata is cheaper. */
const readOneByOne = 5
const listDeadlineMs = 60_000

/** What the cluster holds of the objects that git or the inventory names, by key, and why some of them could not be read. */
export type Observed = {
  live: Map<string, LiveObject>
  unreadable: Map<string, AppError>
  /** Whether nothing is known of the objects of this kind in this namespace, since they could not be listed. */
  isUnseen: (ref: ObjectRef) => boolean
  /** What could not be listed, for people: `Secret in shop`. */
  unseen: readonly string[]
  /** How often the cluster had gone back in time when this was seen. */
  rewinds: number
}

type Where = {
  spec: Pick<SourceSpec, 'serviceAccount' | 'allowedNamespaces' | 'excludeResources'>
  inventory: Inventory | undefined
  /** For how many restores of the cluster the inventory was looked through. */
  rewinds: number
}

/**
 * Looks at what is in the cluster. Objects with a gc mark come from the watches; those that git names and no watch knows (first contact)
 * are read, metadata only, since an annotation on them may say "leave me alone". One that may not be read fails alone. Where the inventory
 * is missing or may lack something, everything with a mark is given, and all kinds are looked through once for what carries a mark: git may
 * have none of a kind any more (ruling 7b, hazard C12).
 */
export async function observeLive(
  desired: readonly DesiredObject[],
  { spec, inventory, rewinds }: Where,
  deps: Pick<SyncSourceDeps, 'cluster' | 'owned'>,
  signal: AbortSignal,
): Promise<Observed> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(listDeadlineMs)])
  const byNamespace = isNarrow(spec)
  const known = [...desired.map(({ ref }) => ref), ...[...(inventory?.values() ?? [])].map(({ ref }) => ref)]
  const where = { namespaces: spec.allowedNamespaces, deadline }
  let seeing = await watchKinds(known, where, deps, signal)
  const rewound = deps.owned.rewinds()
  const isWhole = !inventory || rewound > rewinds
  if (isWhole) {
    const marked = await deps.owned.findMarked({ ...where, excludeResources: spec.excludeResources }, deadline)
    seeing = await watchKinds([...known, ...marked], where, deps, signal)
  }
  const isUnseen = (ref: ObjectRef) => seeing.whyUnseen(ref) !== undefined
  const keys = [...desired.map(({ key }) => key), ...(inventory?.keys() ?? [])]
  const live = new Map(isWhole ? allOf(deps.owned) : knownOf(keys, deps.owned))
  const unreadable = unreadableOf(desired, seeing)
  const unknown = await inNamespaces(
    desired.filter(({ key }) => !live.has(key) && !unreadable.has(key)),
    deps,
    deadline,
  )
  const groups = Map.groupBy(unknown, ({ ref }) => `${ref.apiVersion} ${ref.kind} ${byNamespace ? ref.namespace : ''}`)
  await Promise.all(
    [...groups.values()].map(async (objects) => {
      for (const object of await readUnknown(objects, { byNamespace, unreadable }, deps, deadline)) {
        const found = liveObject(object)
        live.set(liveKey(found), found)
      }
    }),
  )
  return { live, unreadable, isUnseen, unseen: seeing.unseen.map(placeOf), rewinds: rewound }
}

function* allOf(owned: SyncSourceDeps['owned']): Iterable<[string, LiveObject]> {
  for (const object of owned.all()) yield [liveKey(object), object]
}

/** What others own is no concern of this source: with a thousand of them it is nearly everything. */
function* knownOf(keys: readonly string[], owned: SyncSourceDeps['owned']): Iterable<[string, LiveObject]> {
  for (const key of keys) {
    const object = owned.get(key)
    if (object) yield [key, object]
  }
}

/** The right to see all namespaces at once may be missing. */
export function isNarrow({
  serviceAccount,
  allowedNamespaces,
}: Pick<SourceSpec, 'serviceAccount' | 'allowedNamespaces'>): boolean {
  return serviceAccount !== '' || allowedNamespaces.length > 0
}

/** What cannot be listed holds up itself alone; where nothing can, nothing is known. */
async function watchKinds(
  kinds: readonly Pick<ObjectRef, 'apiVersion' | 'kind'>[],
  { namespaces, deadline }: { namespaces: readonly string[]; deadline: AbortSignal },
  { owned }: Pick<SyncSourceDeps, 'owned'>,
  signal: AbortSignal,
): Promise<Seeing> {
  const seeing = await ensure(kinds, { namespaces, deadline }, owned, signal)
  const [first] = seeing.unseen
  if (!seeing.isBlind || !first) return seeing
  const { error } = first
  const message = `the objects of this source could not be listed: ${error.message}`
  throw new AppError(error.reason === 'Forbidden' ? 'Forbidden' : 'ClusterUnavailable', message, { cause: error })
}

async function ensure(
  kinds: readonly Pick<ObjectRef, 'apiVersion' | 'kind'>[],
  { namespaces, deadline }: { namespaces: readonly string[]; deadline: AbortSignal },
  owned: SyncSourceDeps['owned'],
  signal: AbortSignal,
): Promise<Seeing> {
  try {
    return await owned.ensure(kinds, namespaces, deadline)
  } catch (error) {
    if (signal.aborted || !deadline.aborted) throw error
    const message = `the objects of this source could not be listed within ${listDeadlineMs / 1000} s`
    throw new AppError('ClusterUnavailable', message, { cause: error })
  }
}

/** A kind that went away after it was found is nothing to read: its definition may come with this very revision. */
function unreadableOf(desired: readonly DesiredObject[], seeing: Seeing): Map<string, AppError> {
  const unreadable = new Map<string, AppError>()
  for (const { key, ref } of desired) {
    const error = seeing.whyUnseen(ref)
    if (error && error.reason !== 'UnknownKind') unreadable.set(key, error)
  }
  return unreadable
}

function placeOf({ kind, namespace }: Seeing['unseen'][number]): string {
  return namespace === '' ? kind : `${kind} in ${namespace}`
}

/** Without those in namespaces that are not there: nothing can be in them, and a first sync asks for little else. */
async function inNamespaces(
  objects: readonly DesiredObject[],
  { cluster }: Pick<SyncSourceDeps, 'cluster'>,
  signal: AbortSignal,
): Promise<readonly DesiredObject[]> {
  if (objects.length <= readOneByOne) return objects
  try {
    const found = await cluster.list({ apiVersion: 'v1', kind: 'Namespace', metadataOnly: true }, signal)
    const names = new Set(found.map(({ metadata }) => metadata.name))
    return objects.filter(({ ref }) => ref.namespace === undefined || names.has(ref.namespace))
  } catch (error) {
    if (error instanceof AppError && error.reason === 'Forbidden') return objects
    throw error
  }
}

async function readUnknown(
  objects: readonly DesiredObject[],
  { byNamespace, unreadable }: { byNamespace: boolean; unreadable: Observed['unreadable'] },
  { cluster }: Pick<SyncSourceDeps, 'cluster'>,
  signal: AbortSignal,
): Promise<KubeObject[]> {
  const [first] = objects
  if (!first || !(await cluster.resource(first.ref.apiVersion, first.ref.kind, signal))) return []
  const { apiVersion, kind, namespace } = first.ref
  const scope = byNamespace && namespace ? { namespace } : {}
  try {
    if (objects.length > readOneByOne)
      return await cluster.list({ apiVersion, kind, ...scope, metadataOnly: true }, signal)
    const found = await Promise.all(objects.map(({ ref }) => cluster.get(ref, { metadataOnly: true, signal })))
    return found.filter((object) => object !== undefined)
  } catch (error) {
    if (!(error instanceof AppError) || error.reason !== 'Forbidden') throw error
    for (const { key } of objects) unreadable.set(key, error)
    return []
  }
}

/**
 * The inventory to start from. None is stored at first contact, or it was damaged: it is seeded from the live objects whose mark
 * says that they belong to this source, so that what left git during a move still goes (ruling 7b). `isRewound`: the cluster went back
 * in time, so the stored one may lack what came back with it (hazard C12).
 */
export function seedInventory(
  stored: Inventory | undefined,
  live: Iterable<LiveObject>,
  mark: (ref: ObjectRef) => string,
  isRewound = false,
): Map<string, InventoryEntry> {
  if (stored && !isRewound) return new Map(stored)
  const seeded = new Map<string, InventoryEntry>(stored)
  for (const object of live) {
    if (seeded.has(liveKey(object))) continue
    if (object.mark === '' || object.mark !== mark(object.ref)) continue
    seeded.set(liveKey(object), { ref: object.ref, file: '', applied: '', owned: '', tried: '', triedAt: '' })
  }
  return seeded
}
