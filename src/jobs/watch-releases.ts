import type { Cluster, WatchEvent } from '../adapters/cluster/index.ts'
import type { KubeObject } from '../domain/manifest/object.ts'
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

type Known = { spec: ReleaseSpec; seen: string }
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
    releases.set(key, { spec, seen })
    if (before?.seen !== seen) wake(spec, before ? `generation ${spec.generation}` : 'new HelmRelease')
    values.watch(spec)
  }

  const objects = cluster.watch({ ...helmReleaseKind, ...scope }, (event) => {
    if (event.type === 'replaced') for (const object of event.items) see(object)
    else if (event.type === 'changed') see(event.object)
    else releases.delete(keyOf(event.object))
  })
  const stored = { apiVersion: 'v1', kind: 'Secret', ...scope, labelSelector: 'owner=helm', metadataOnly: true }
  const revisions = cluster.watch(stored, (event) => wakeOwner(event, releases, wake))
  const stop = () => {
    for (const watch of [objects, revisions, values]) watch.stop()
  }
  signal.addEventListener('abort', stop, { once: true })
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

  return {
    watch(spec: ReleaseSpec): void {
      for (const { id, kind, namespace, name } of namedBy(spec)) {
        if (watches.has(id)) continue
        const query = { apiVersion: 'v1', kind, namespace, fieldSelector: `metadata.name=${name}`, metadataOnly: true }
        let isFirst = true
        const watch = cluster.watch(query, () => {
          if (!isFirst) wakeUsers(id)
          isFirst = false
        })
        watches.set(id, watch)
      }
    },
    stop(): void {
      for (const watch of watches.values()) watch.stop()
    },
  }
}

function namedBy({ valuesFrom }: ReleaseSpec) {
  return valuesFrom.flatMap((source) => {
    if (source.kind !== 'ConfigMap' && source.kind !== 'Secret') return []
    const { kind, namespace, name } = source
    return [{ id: `${kind} ${namespace}/${name}`, kind, namespace, name }]
  })
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
