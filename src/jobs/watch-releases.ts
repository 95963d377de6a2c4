import type { Cluster, WatchEvent } from '../adapters/cluster/index.ts'
import type { KubeObject } from '../domain/manifest/object.ts'
import { arrivedReason } from '../domain/release/decide.ts'
import { helmReleaseKind, type ReleaseSpec, readSpec, type SpecDefaults } from '../domain/release/spec.ts'
import type { Enqueue } from '../domain/work/job.ts'
import type { Logger } from '../lib/logger.ts'

export type WatchReleasesDeps = {
  cluster: Pick<Cluster, 'watch'>
  enqueue: Enqueue
  /** The one namespace to look in; empty for all (`--allow-namespace`). */
  namespace: string
  defaults: SpecDefaults
  log: Logger
}

/** Changes come in bursts (a Secret and its twin, helm's several writes); one job answers them all. */
const debounceMs = 500

type Known = { spec: ReleaseSpec; seen: string; isReleased: boolean }
type Wake = (spec: ReleaseSpec, reason: string, delayMs?: number) => void

/**
 * Watches HelmReleases, helm's own records and the ConfigMaps and Secrets that releases name, and wakes the release concerned within a
 * second (law 5). Events only wake: the job reads the world itself.
 */
export function watchReleases(deps: WatchReleasesDeps, signal: AbortSignal): void {
  const { cluster } = deps
  const scope = deps.namespace ? { namespace: deps.namespace } : {}
  const releases = new Map<string, Known>()
  const wake = createWake(deps)
  const values = watchValues(cluster, releases, wake)

  function see(object: KubeObject): void {
    const key = keyOf(object)
    const [spec, seen] = [readSpec(object, deps.defaults), fingerprint(object)]
    const before = releases.get(key)
    releases.set(key, { spec, seen, isReleased: isReleased(object) })
    if (before?.seen === seen) return
    wake(spec, before ? `generation ${spec.generation}` : 'new HelmRelease')
    values.follow()
  }

  const objects = cluster.watch({ ...helmReleaseKind, ...scope }, (event) => {
    if (event.type === 'replaced') for (const object of event.items) see(object)
    else if (event.type === 'changed') see(event.object)
    else {
      const known = releases.get(keyOf(event.object))
      if (releases.delete(keyOf(event.object))) values.follow()
      // without a finalizer this is the first that is heard of it
      if (known && known.spec.uid === event.object.metadata.uid) wake(known.spec, 'HelmRelease deleted')
    }
  })
  const stored = { apiVersion: 'v1', kind: 'Secret', ...scope, labelSelector: 'owner=helm', metadataOnly: true }
  const revisions = cluster.watch(stored, (event) => wakeOwner(event, releases, wake))
  const arrivals = watchArrivals(cluster, releases, wake)
  const stop = () => {
    for (const watch of [objects, revisions, values, ...arrivals]) watch.stop()
  }
  signal.addEventListener('abort', stop, { once: true })
}

/**
 * A fresh cluster converges because failed releases are tried again: at once, past any back-off, when a namespace or a definition that
 * they may have waited for is there (ruling 11). Rights for these watches are cluster-wide; without them the back-off does it.
 */
function watchArrivals(cluster: Pick<Cluster, 'watch'>, releases: ReadonlyMap<string, Known>, wake: Wake) {
  function watchNew(query: { apiVersion: string; kind: string }, wakes: (name: string) => (known: Known) => boolean) {
    const seen = new Set<string>()
    let isFirst = true
    return cluster.watch({ ...query, metadataOnly: true }, (event) => {
      const items = event.type === 'replaced' ? event.items : event.type === 'changed' ? [event.object] : []
      if (event.type === 'deleted') seen.delete(event.object.metadata.name)
      for (const { metadata } of items) {
        if (seen.has(metadata.name)) continue
        seen.add(metadata.name)
        if (isFirst) continue
        const waits = wakes(metadata.name)
        for (const known of releases.values()) {
          if (!known.isReleased && waits(known))
            wake(known.spec, `${arrivedReason}${query.kind} ${metadata.name}`, debounceMs)
        }
      }
      isFirst = false
    })
  }

  return [
    watchNew(
      { apiVersion: 'v1', kind: 'Namespace' },
      (name) =>
        ({ spec }) =>
          spec.targetNamespace === name,
    ),
    watchNew({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' }, () => () => true),
  ]
}

function createWake({ enqueue, log }: WatchReleasesDeps): Wake {
  return ({ namespace, name }, reason, delayMs = 0) => {
    enqueue({ kind: 'sync-release', namespace, name, reason, lane: 'change', delayMs }).catch((error: unknown) => {
      log.warn(
        { release: `${namespace}/${name}`, error: String(error) },
        'a change was seen but could not be enqueued; the next resync finds it',
      )
    })
  }
}

/** helm stored or removed a revision: ours, or somebody's by hand, which is undone. */
function wakeOwner(event: WatchEvent, releases: ReadonlyMap<string, Known>, wake: Wake): void {
  if (event.type === 'replaced') return
  const { labels, namespace } = event.object.metadata
  for (const { spec } of releases.values()) {
    if (spec.release === labels?.name && spec.targetNamespace === namespace)
      wake(spec, 'helm stored a revision', debounceMs)
  }
}

/** Watches by name only: no list of all Secrets is ever asked for (rulings, part 3). */
function watchValues(cluster: Pick<Cluster, 'watch'>, releases: ReadonlyMap<string, Known>, wake: Wake) {
  const watches = new Map<string, { stop(): void }>()

  function wakeUsers(id: string): void {
    for (const { spec } of releases.values()) {
      if (namedBy(spec).some((one) => one.id === id)) wake(spec, `${id} changed`, debounceMs)
    }
  }

  function start({ id, kind, namespace, name }: Named): void {
    const query = { apiVersion: 'v1', kind, namespace, fieldSelector: `metadata.name=${name}`, metadataOnly: true }
    let isFirst = true
    const watch = cluster.watch(query, () => {
      if (!isFirst) wakeUsers(id)
      isFirst = false
    })
    watches.set(id, watch)
  }

  return {
    /** Watches what releases name now, and no longer what none names. */
    follow(): void {
      const wanted = new Map([...releases.values()].flatMap(({ spec }) => namedBy(spec)).map((one) => [one.id, one]))
      for (const [id, one] of wanted) if (!watches.has(id)) start(one)
      for (const [id, watch] of watches) {
        if (wanted.has(id)) continue
        watch.stop()
        watches.delete(id)
      }
    },
    stop(): void {
      for (const watch of watches.values()) watch.stop()
    },
  }
}

type Named = { id: string; kind: 'ConfigMap' | 'Secret'; namespace: string; name: string }

function namedBy({ valuesFrom }: ReleaseSpec): Named[] {
  return valuesFrom.flatMap((source) => {
    if (source.kind !== 'ConfigMap' && source.kind !== 'Secret') return []
    const { kind, namespace, name } = source
    return [{ id: `${kind} ${namespace}/${name}`, kind, namespace, name }]
  })
}

function isReleased({ status }: KubeObject): boolean {
  const { conditions = [] } = (status ?? {}) as { conditions?: { type: string; status: string }[] }
  return conditions.some((condition) => condition.type === 'Released' && condition.status === 'True')
}

function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`
}

/** What makes a HelmRelease worth looking at again; its status is not part of it. */
function fingerprint({ metadata }: KubeObject): string {
  return JSON.stringify([
    metadata.uid,
    metadata.generation,
    metadata.deletionTimestamp ?? '',
    metadata.annotations ?? {},
  ])
}
