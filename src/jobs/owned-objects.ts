import type { Cluster, Watch } from '../adapters/cluster/index.ts'
import { gcMarkLabel } from '../domain/manifest/annotations.ts'
import { type KubeObject, keyOf, type ObjectRef } from '../domain/manifest/object.ts'
import { type LiveObject, liveKey, liveObject } from '../domain/plan/live.ts'

type Kind = Pick<ObjectRef, 'apiVersion' | 'kind'>

/**
 * What the cluster holds of the objects that carry a gc mark: metadata only, one watch per kind, started when a kind is
 * first asked for. So an idle resync reads memory, and a change by somebody else is known within a second (W8).
 */
export type OwnedObjects = {
  /** Makes sure that these kinds are watched and that the first list of each is in. Kinds that are not served are skipped. */
  ensure(kinds: readonly Kind[], signal: AbortSignal): Promise<void>
  get(key: string): LiveObject | undefined
  all(): Iterable<LiveObject>
  /** Takes an answer of the API server in at once, ahead of the watch, and gives what it says. */
  note(object: KubeObject): LiveObject
  /** Told of each change or deletion that a watch reports after the first list. */
  onChange(listener: (live: LiveObject, gone: boolean) => void): void
  stop(): void
}

export function createOwnedObjects(cluster: Pick<Cluster, 'watch' | 'resource'>): OwnedObjects {
  const watches = new Map<string, Watch>()
  const objects = new Map<string, LiveObject>()
  const listeners: ((live: LiveObject, gone: boolean) => void)[] = []

  function tell(live: LiveObject, gone: boolean): void {
    for (const listener of listeners) listener(live, gone)
  }

  /** Keeps the newer of two states; resource versions of one kind are comparable numbers (KEP-5504). */
  function keep(live: LiveObject): boolean {
    const key = liveKey(live)
    const known = objects.get(key)
    if (known && known.uid === live.uid && isOlder(live.resourceVersion, known.resourceVersion)) return false
    objects.set(key, live)
    return true
  }

  function replaceKind(kindKey: string, items: KubeObject[]): void {
    const fresh = new Set<string>()
    for (const item of items) {
      const live = liveObject(item)
      fresh.add(liveKey(live))
      const before = objects.get(liveKey(live))
      if (keep(live) && before && before.resourceVersion !== live.resourceVersion) tell(live, false)
    }
    for (const [key, live] of objects) {
      if (kindKeyOf(live.ref) !== kindKey || fresh.has(key)) continue
      objects.delete(key)
      tell(live, true)
    }
  }

  function start(kind: Kind): Watch {
    const kindKey = kindKeyOf(kind)
    return cluster.watch({ ...kind, labelSelector: gcMarkLabel, metadataOnly: true }, (event) => {
      if (event.type === 'replaced') return replaceKind(kindKey, event.items)
      const live = liveObject(event.object)
      if (event.type === 'deleted') {
        objects.delete(liveKey(live))
        tell(live, true)
      } else if (keep(live)) {
        tell(live, false)
      }
    })
  }

  return {
    async ensure(kinds, signal) {
      const wanted = new Map(kinds.map((kind) => [kindKeyOf(kind), kind]))
      await Promise.all(
        [...wanted].map(async ([kindKey, kind]) => {
          if (!watches.has(kindKey)) {
            const resource = await cluster.resource(kind.apiVersion, kind.kind, signal)
            if (!resource?.verbs.includes('watch') || watches.has(kindKey)) return
            watches.set(kindKey, start(kind))
          }
          await abortable(watches.get(kindKey)?.synced ?? Promise.resolve(), signal)
        }),
      )
    },
    get: (key) => objects.get(key),
    all: () => objects.values(),
    note(object) {
      const live = liveObject(object)
      if (watches.has(kindKeyOf(live.ref)) && live.mark !== '') keep(live)
      return live
    },
    onChange(listener) {
      listeners.push(listener)
    },
    stop() {
      for (const watch of watches.values()) watch.stop()
      watches.clear()
    },
  }
}

/** Kind across its versions: what is applied as v1beta1 is the same object when read as v1. */
function kindKeyOf(kind: Kind): string {
  return keyOf({ ...kind, name: '' })
}

function isOlder(a: string, b: string): boolean {
  return a.length === b.length ? a < b : a.length < b.length
}

/** Waits for a promise or rejects as soon as the signal aborts. */
async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  return await new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
