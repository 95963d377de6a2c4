import type { Cluster, WatchEvent } from '../adapters/cluster/index.ts'
import type { KubeObject } from '../domain/manifest/object.ts'
import { arrivedReason } from '../domain/release/decide.ts'
import { type NamedObject, namedObjects } from '../domain/release/named-objects.ts'
import { isReleaseReady } from '../domain/release/is-ready.ts'
import {
  helmReleaseKind,
  legacyReleaseKind,
  type ReleaseSpec,
  readSpec,
  type SpecDefaults,
} from '../domain/release/spec.ts'
import type { Enqueue } from '../domain/work/job.ts'
import type { Logger } from '../lib/logger.ts'
import { idOf, watchNamed } from './watch-named.ts'

export type WatchReleasesDeps = {
  cluster: Pick<Cluster, 'watch'>
  enqueue: Enqueue
  /** The one namespace to look in; empty for all (`--allow-namespace`). */
  namespace: string
  defaults: SpecDefaults
  /** Old HelmReleases are served, too (ruling 9). */
  legacy?: boolean
  /** True when a run of this process has read this Secret of helm's for the release `namespace/name` already; left out: never. */
  wasSeen?: (release: string, secret: KubeObject) => Promise<boolean>
  log: Logger
}

/** Changes come in bursts (a Secret and its twin, helm's several writes); one job answers them all. */
const debounceMs = 200

/** `isReady`: what depends on it may go on. */
type Known = { spec: ReleaseSpec; seen: string; isReady: boolean; named: readonly NamedObject[] }
type Releases = ReadonlyMap<string, Known>
type Wake = (spec: ReleaseSpec, reason: string, delayMs?: number) => void

/**
 * Watches HelmReleases, helm's own records, and the ConfigMaps, Secrets and sources that releases name, and wakes the release concerned
 * within a second (law 5). Events only wake: the job reads the world itself.
 */
export function watchReleases(deps: WatchReleasesDeps, signal: AbortSignal): void {
  const { cluster } = deps
  const scope = deps.namespace ? { namespace: deps.namespace } : {}
  const releases = new Map<string, Known>()
  const wake = createWake(deps)
  const named = watchNamed(cluster, (id) => wakeUsers(id, releases, wake))

  /** Gives true when it may name other objects than before. */
  function see(object: KubeObject): boolean {
    const key = keyOf(object)
    const before = releases.get(key)
    const seen = fingerprint(object)
    const isReady = isReleaseReady(object)
    if (before?.seen === seen) releases.set(key, { ...before, isReady })
    else {
      const spec = readSpec(object, deps.defaults)
      releases.set(key, { spec, seen, isReady, named: namedObjects(spec) })
      wake(spec, before ? `generation ${spec.generation}` : 'new HelmRelease')
    }
    if (isReady && !before?.isReady) wakeDependents(object, releases, wake)
    return before?.seen !== seen
  }

  /** A list is the whole truth. */
  function replace(items: readonly KubeObject[], apiVersion: string): boolean {
    const there = new Set(items.map(keyOf))
    const gone = [...releases.keys()].filter((key) => key.startsWith(`${apiVersion} `) && !there.has(key))
    for (const key of gone) releases.delete(key)
    return items.map(see).includes(true) || gone.length > 0
  }

  function drop(object: KubeObject): boolean {
    const known = releases.get(keyOf(object))
    // without a finalizer this is the first that is heard of it
    if (known && known.spec.uid === object.metadata.uid) wake(known.spec, 'HelmRelease deleted')
    return releases.delete(keyOf(object))
  }

  function seeAll(event: WatchEvent, apiVersion: string): void {
    const isNews =
      event.type === 'replaced'
        ? replace(event.items, apiVersion)
        : event.type === 'deleted'
          ? drop(event.object)
          : see(event.object)
    if (isNews) named.follow([...releases.values()].flatMap((known) => known.named))
  }

  const kinds = deps.legacy ? [helmReleaseKind, legacyReleaseKind] : [helmReleaseKind]
  const objects = kinds.map((kind) => cluster.watch({ ...kind, ...scope }, (event) => seeAll(event, kind.apiVersion)))
  const stored = { apiVersion: 'v1', kind: 'Secret', ...scope, labelSelector: 'owner=helm', metadataOnly: true }
  const revisions = cluster.watch(stored, (event) => wakeOwner(event, { releases, wake, ...deps }))
  const arrivals = watchArrivals(cluster, releases, wake)
  const stop = () => {
    for (const watch of [...objects, revisions, named, ...arrivals]) watch.stop()
  }
  signal.addEventListener('abort', stop, { once: true })
}

/** Those whose inputs changed, and those that wait for what changed. */
function wakeUsers(id: string, releases: Releases, wake: Wake): void {
  for (const { spec, named, isReady } of releases.values()) {
    const use = named.find((one) => idOf(one) === id)
    if (use?.as === 'input') wake(spec, `${id} changed`, debounceMs)
    else if (use && !isReady) wake(spec, `${id} changed`)
  }
}

/** A release became ready; what stands still for it is looked at again at once. */
function wakeDependents({ metadata }: KubeObject, releases: Releases, wake: Wake): void {
  const { namespace, name } = metadata
  for (const { spec, isReady } of releases.values()) {
    const depends = spec.dependsOn.some(
      (one) => one.kind === 'HelmRelease' && one.namespace === namespace && one.name === name,
    )
    if (depends && !isReady) wake(spec, `HelmRelease ${namespace}/${name} is ready`)
  }
}

/**
 * A fresh cluster converges because failed releases are tried again: at once, past any back-off, when a namespace or a definition that
 * they may have waited for is there (ruling 11). Rights for these watches are cluster-wide; without them the back-off does it.
 */
function watchArrivals(cluster: Pick<Cluster, 'watch'>, releases: Releases, wake: Wake) {
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
          if (!known.isReady && waits(known))
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

type Waking = { releases: Releases; wake: Wake } & Pick<WatchReleasesDeps, 'wasSeen'>

/**
 * helm stored or removed a revision by somebody's hand, which is undone. What our own run did, it has looked at itself. A superseded
 * revision has a newer one, which is told of too.
 */
function wakeOwner(event: WatchEvent, { releases, wake, wasSeen }: Waking): void {
  if (event.type === 'replaced' || event.object.metadata.labels?.status === 'superseded') return
  const { labels, namespace } = event.object.metadata
  for (const { spec } of releases.values()) {
    if (spec.release !== labels?.name || spec.targetNamespace !== namespace) continue
    const key = `${namespace}/${spec.release}`
    const seen = event.type === 'changed' && wasSeen ? wasSeen(key, event.object) : Promise.resolve(false)
    void seen.then((isKnown) => isKnown || wake(spec, 'helm stored a revision', debounceMs))
  }
}

function keyOf({ apiVersion, metadata }: KubeObject): string {
  return `${apiVersion} ${metadata.namespace ?? ''}/${metadata.name}`
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
