import type { Cluster, Watch } from '../adapters/cluster/index.ts'
import { AppError } from '../domain/error.ts'
import { gcMarkLabel } from '../domain/manifest/annotations.ts'
import { isOlderVersion } from '../domain/manifest/resource-version.ts'
import { type KubeObject, keyOf, type ObjectRef, refOf } from '../domain/manifest/object.ts'
import { type LiveObject, liveKey, liveObject } from '../domain/plan/live.ts'

type Kind = Pick<ObjectRef, 'apiVersion' | 'kind'>
/** What one watch sees: a kind, in one namespace or, when that is empty, in all. */
type Scope = { kindKey: string; namespace: string }

/**
 * What the cluster holds of the objects that carry a gc mark: metadata only, one watch per kind, started when a kind is
 * first asked for. So an idle resync reads memory, and a change by somebody else is known within a second (W8).
 */
export type OwnedObjects = {
  /**
   * Makes sure that these kinds are watched and that the first list of each is in: one watch per kind, or one per namespace where only
   * some namespaces may be touched, since the right to see all may be missing then (ruling 20). Kinds that are not served are skipped.
   * Tells of which kinds nothing is known, because their API (an aggregated one) does not answer.
   */
  ensure(kinds: readonly Kind[], namespaces: readonly string[], signal: AbortSignal): Promise<(kind: Kind) => boolean>
  /** Why a watch has no first list yet; undefined where all have theirs. */
  problem(): AppError | undefined
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

export function createOwnedObjects(cluster: Pick<Cluster, 'watch' | 'resource'>): OwnedObjects {
  const watches = new Map<string, Watch>()
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

  async function resourceOf({ apiVersion, kind }: Kind, signal: AbortSignal) {
    try {
      return await cluster.resource(apiVersion, kind, signal)
    } catch (error) {
      const isAway = error instanceof AppError && error.reason === 'ClusterUnavailable' && apiVersion.includes('/')
      if (!isAway) throw error
      return 'unavailable'
    }
  }

  function isWatched(ref: ObjectRef): boolean {
    return watches.has(kindKeyOf(ref)) || watches.has(`${kindKeyOf(ref)}${ref.namespace ?? ''}`)
  }

  function watchOf(kind: Kind, namespace: string): Watch {
    const key = `${kindKeyOf(kind)}${namespace}`
    const watch = watches.get(key) ?? start(kind, namespace)
    watches.set(key, watch)
    return watch
  }

  return {
    async ensure(kinds, namespaces, signal) {
      const wanted = new Map(kinds.map((kind) => [kindKeyOf(kind), kind]))
      const unseen = new Set<string>()
      await Promise.all(
        [...wanted].map(async ([kindKey, kind]) => {
          if (watches.has(kindKey)) return await abortable(watches.get(kindKey)?.synced, signal)
          const resource = await resourceOf(kind, signal)
          if (resource === 'unavailable') unseen.add(kindKey)
          if (resource === 'unavailable' || !resource?.verbs.includes('watch')) return
          const scopes = resource.namespaced && namespaces.length > 0 ? namespaces : ['']
          await Promise.all(scopes.map((namespace) => abortable(watchOf(kind, namespace).synced, signal)))
        }),
      )
      return (kind) => unseen.has(kindKeyOf(kind))
    },
    problem: () => [...watches.values()].map((watch) => watch.problem()).find((problem) => problem !== undefined),
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
      for (const watch of watches.values()) watch.stop()
      watches.clear()
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

/** Waits for a promise or rejects as soon as the signal aborts. */
async function abortable(promise: Promise<unknown> | undefined, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  if (!promise) return
  await new Promise<unknown>((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
