import type { KubeObject } from '../domain/manifest/object.ts'
import { helmReleaseKind, readSpec, type ReleaseSpec } from '../domain/release/spec.ts'
import type { Parts } from './wire.ts'

/** Changes of one object come in bursts (a Secret and its twin); one job answers them all (ruling, part 3: debounce). */
const debounceMs = 500

/**
 * Watches HelmReleases, helm's own records and the ConfigMaps and Secrets that releases name, and wakes the release concerned within a
 * second (law 5). Events only wake: the job reads the world itself.
 */
export function watchReleases(parts: Parts, signal: AbortSignal): void {
  const { cluster, config } = parts
  const namespace = config.releases.namespace
  const scope = namespace ? { namespace } : {}
  const releases = new Map<string, { spec: ReleaseSpec; seen: string }>()
  const defaults = { gitRef: config.releases.defaultGitRef, updateDependencies: true }
  const named = new Map<string, { stop(): void }>()

  function wake(spec: ReleaseSpec, reason: string, delayMs = 0): void {
    const { log, queue } = parts
    const request = {
      kind: 'sync-release',
      namespace: spec.namespace,
      name: spec.name,
      reason,
      lane: 'change',
      delayMs,
    } as const
    queue.enqueue(request).catch((error: unknown) => {
      log.warn(
        { release: `${spec.namespace}/${spec.name}`, error: String(error) },
        'a change was seen but could not be enqueued; the next resync finds it',
      )
    })
  }

  function see(object: KubeObject, isNews: boolean): void {
    const key = `${object.metadata.namespace}/${object.metadata.name}`
    const spec = readSpec(object, defaults)
    const seen = fingerprint(object)
    const before = releases.get(key)
    releases.set(key, { spec, seen })
    if (before?.seen !== seen && (before || isNews))
      wake(spec, before ? `generation ${spec.generation}` : 'new HelmRelease')
    watchNamed(spec)
  }

  /** ConfigMaps and Secrets by name only: no list of all Secrets is ever asked for (rulings, part 3). */
  function watchNamed(spec: ReleaseSpec): void {
    for (const source of spec.valuesFrom) {
      if (source.kind !== 'ConfigMap' && source.kind !== 'Secret') continue
      const { kind, namespace: space, name } = source
      const key = `${kind}/${space}/${name}`
      if (named.has(key)) continue
      const query = {
        apiVersion: 'v1',
        kind,
        namespace: space,
        fieldSelector: `metadata.name=${name}`,
        metadataOnly: true,
      }
      let first = true
      named.set(
        key,
        cluster.watch(query, (event) => {
          if (!first || event.type !== 'replaced') wakeUsers(kind, space, name)
          first = false
        }),
      )
    }
  }

  function wakeUsers(kind: string, space: string, name: string): void {
    for (const { spec } of releases.values()) {
      const uses = spec.valuesFrom.some(
        (one) => 'namespace' in one && one.kind === kind && one.namespace === space && one.name === name,
      )
      if (uses) wake(spec, `${kind} ${space}/${name} changed`, debounceMs)
    }
  }

  const definitions = cluster.watch({ ...helmReleaseKind, ...scope }, (event) => {
    if (event.type === 'replaced') for (const object of event.items) see(object, true)
    else if (event.type === 'changed') see(event.object, true)
    else releases.delete(`${event.object.metadata.namespace}/${event.object.metadata.name}`)
  })

  const stored = cluster.watch(
    { apiVersion: 'v1', kind: 'Secret', ...scope, labelSelector: 'owner=helm', metadataOnly: true },
    (event) => {
      if (event.type === 'replaced') return
      const { labels, namespace: space } = event.object.metadata
      for (const { spec } of releases.values()) {
        if (spec.release === labels?.name && spec.targetNamespace === space)
          wake(spec, 'helm stored a revision', debounceMs)
      }
    },
  )

  signal.addEventListener(
    'abort',
    () => {
      definitions.stop()
      stored.stop()
      for (const watch of named.values()) watch.stop()
    },
    { once: true },
  )
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
