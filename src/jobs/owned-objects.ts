import type { Cluster, Watch } from '../adapters/cluster/index.ts'
import { AppError } from '../domain/error.ts'
import { gcMarkLabel } from '../domain/manifest/annotations.ts'
import { isOlderVersion } from '../domain/manifest/resource-version.ts'
import { type KubeObject, keyOf, type ObjectRef, refOf } from '../domain/manifest/object.ts'
import { type LiveObject, liveKey, liveObject } from '../domain/plan/live.ts'
import { firstList, type Scoped } from './first-list.ts'
import { createFindMarked, type FindMarked } from './marked-kinds.ts'

type Kind = Pick<ObjectRef, 'apiVersion' | 'kind'>
type Place = Pick<ObjectRef, 'apiVersion' | 'kind' | 'namespace'>
/** What one watch sees: a kind, in one namespace or, when that is empty, in all. */
type Scope = { kindKey: string; namespace: string }

/** What could be listed and what could not. */
export type Seeing = {
  /** Why nothing is known of the objects of this kind in this namespace; undefined where it was listed, or is not served. */
  whyUnseen(place: Place): AppError | undefined
  /** What could not be listed, in words: a kind, and a namespace where it is asked for by namespaces. */
  unseen: readonly { kind: string; namespace: string; error: AppError }[]
  /** Whether there was something to list, and none of it could be. */
  isBlind: boolean
}

/**
 * What the cluster holds of the objects that carry a gc mark: metadata only, one watch per kind, started when a kind is
 * first asked for. So an idle resync reads memory, and a change by somebody else is known within a second (W8).
 */
export type OwnedObjects = {
  /**
   * Makes sure that these kinds are watched and that the first list of each is in: one watch per kind, or one per namespace where only
   * some namespaces may be touched, since the right to see all may be missing then (ruling 20). Kinds that are not served are skipped.
   * One that cannot be listed is waited for a few seconds, and holds up itself alone: the answer tells of what nothing is known.
   */
  ensure(kinds: readonly Kind[], namespaces: readonly string[], signal: AbortSignal): Promise<Seeing>
  /** The kinds that may hold what was marked before anything of them was watched. */
  findMarked: FindMarked
  get(key: string): LiveObject | undefined
  all(): Iterable<LiveObject>
  /** How often the cluster was seen to have gone back in time, as after a restored backup. */
  rewinds(): number
  /** Takes an answer of the API server in at once, ahead of the watch, and gives what it says. */
  note(object: KubeObject): LiveObject
  /** Told of each change or deletion that a watch reports after the first list. */
  onChange(listener: (live: LiveObject, gone: boolean) => void): void
  stop(): void
}

export function createOwnedObjects(
  cluster: Pick<Cluster, 'watch' | 'resource' | 'resources' | 'list'>,
  { patienceMs = 5000 }: { patienceMs?: number } = {},
): OwnedObjects {
  const watches = new Map<string, Scoped>()
  const seen = createSeen()
  let rewinds = 0

  function start({ apiVersion, kind }: Kind, namespace: string): Watch {
    const scope = { kindKey: kindKeyOf({ apiVersion, kind }), namespace }
    const where = { apiVersion, kind, ...(namespace ? { namespace } : {}) }
    return cluster.watch({ ...where, labelSelector: gcMarkLabel, metadataOnly: true }, (event) => {
      if (event.type === 'replaced' && event.isRewound) rewinds += 1
      if (event.type === 'replaced') seen.replace(scope, event.items, event.isRewound ?? false)
      else if (event.type === 'deleted') seen.remove(liveObject(event.object))
      else seen.take(event.object)
    })
  }

  function isWatched(ref: ObjectRef): boolean {
    return watches.has(kindKeyOf(ref)) || watches.has(`${kindKeyOf(ref)}${ref.namespace ?? ''}`)
  }

  function watchOf(kind: Kind, namespace: string): Scoped {
    const key = `${kindKeyOf(kind)}${namespace}`
    const known = watches.get(key)
    if (known) return known
    const begun = { watch: start(kind, namespace), patience: AbortSignal.timeout(patienceMs) }
    watches.set(key, begun)
    return begun
  }

  /** One watch of all namespaces serves where there is one that may list. */
  async function scopesOf(kind: Kind, namespaces: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    const whole = watches.get(kindKeyOf(kind))
    if (whole && (namespaces.length === 0 || !whole.watch.problem())) return ['']
    const resource = await cluster.resource(kind.apiVersion, kind.kind, signal)
    if (!resource?.verbs.includes('watch')) return []
    return resource.namespaced && namespaces.length > 0 ? namespaces : ['']
  }

  return {
    async ensure(kinds, namespaces, signal) {
      const wanted = new Map(kinds.map((kind) => [kindKeyOf(kind), kind]))
      const seeing = createSeeing()
      await Promise.all(
        [...wanted.values()].map(async (kind) => {
          try {
            const scopes = await scopesOf(kind, namespaces, signal)
            await Promise.all(
              scopes.map(async (namespace) => {
                seeing.note(kind, namespace, await firstList(watchOf(kind, namespace), signal))
              }),
            )
          } catch (error) {
            if (!isAway(error, kind)) throw error
            seeing.note(kind, '', error)
          }
        }),
      )
      return seeing
    },
    findMarked: createFindMarked(cluster),
    get: (key) => seen.objects.get(key),
    all: () => seen.objects.values(),
    rewinds: () => rewinds,
    note(object) {
      const live = liveObject(object)
      if (isWatched(live.ref) && live.mark !== '') seen.keep(live)
      return live
    },
    onChange: (listener) => seen.onChange(listener),
    stop() {
      for (const { watch } of watches.values()) watch.stop()
      watches.clear()
    },
  }
}

/** The API server answers for others, and this group's own server does not. */
function isAway(error: unknown, { apiVersion }: Kind): error is AppError {
  return error instanceof AppError && error.reason === 'ClusterUnavailable' && apiVersion.includes('/')
}

function createSeeing(): Seeing & { note(kind: Kind, namespace: string, error: AppError | undefined): void } {
  const errors = new Map<string, AppError>()
  const unseen: { kind: string; namespace: string; error: AppError }[] = []
  let listed = 0
  return {
    unseen,
    whyUnseen: (place) => errors.get(kindKeyOf(place)) ?? errors.get(`${kindKeyOf(place)}${place.namespace ?? ''}`),
    get isBlind() {
      return listed === 0 && unseen.length > 0
    },
    note(kind, namespace, error) {
      if (!error) {
        listed += 1
        return
      }
      errors.set(`${kindKeyOf(kind)}${namespace}`, error)
      unseen.push({ kind: kind.kind, namespace, error })
    },
  }
}

/** What watches and answers have shown, and who is told of it. */
function createSeen() {
  const objects = new Map<string, LiveObject>()
  const listeners: ((live: LiveObject, gone: boolean) => void)[] = []

  function tell(live: LiveObject, gone: boolean): void {
    for (const listener of listeners) listener(live, gone)
  }

  /** Keeps the newer of two states, unless the cluster itself has gone back. */
  function keep(live: LiveObject, isRewound = false): boolean {
    const key = liveKey(live)
    const known = objects.get(key)
    const isOlder = known?.uid === live.uid && isOlderVersion(live.resourceVersion, known.resourceVersion)
    if (isOlder && !isRewound) return false
    objects.set(key, live)
    return true
  }

  function remove(live: LiveObject): void {
    objects.delete(liveKey(live))
    tell(live, true)
  }

  return {
    objects,
    keep,
    remove,
    take(object: KubeObject): void {
      // the echo of our own write, whose answer was taken in already
      if (isKnown(object, objects.get(keyOf(refOf(object))))) return
      const live = liveObject(object)
      if (keep(live)) tell(live, false)
    },
    replace({ kindKey, namespace }: Scope, items: KubeObject[], isRewound: boolean): void {
      const fresh = new Set<string>()
      for (const item of items) {
        const live = liveObject(item)
        fresh.add(liveKey(live))
        const before = objects.get(liveKey(live))
        if (!keep(live, isRewound)) continue
        if (isRewound || (before && before.resourceVersion !== live.resourceVersion)) tell(live, false)
      }
      for (const [key, live] of objects) {
        if (kindKeyOf(live.ref) !== kindKey || fresh.has(key)) continue
        if (namespace === '' || live.ref.namespace === namespace) remove(live)
      }
    },
    onChange(listener: (live: LiveObject, gone: boolean) => void): void {
      listeners.push(listener)
    },
  }
}

function isKnown({ metadata }: KubeObject, known: LiveObject | undefined): boolean {
  return known !== undefined && known.uid === metadata.uid && known.resourceVersion === metadata.resourceVersion
}

/** Kind across its versions and namespaces: what is applied as v1beta1 is the same object when read as v1. */
function kindKeyOf({ apiVersion, kind }: Kind): string {
  return keyOf({ apiVersion, kind, name: '' })
}
