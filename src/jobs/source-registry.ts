import type { Cluster, Watch, WatchEvent } from '../adapters/cluster/index.ts'
import { conditionOf, mapAt, numberAt } from '../domain/health/fields.ts'
import type { KubeObject } from '../domain/manifest/object.ts'
import type { Problem } from '../domain/manifest/problem.ts'
import { problemOf, readSource, requestAnnotation, type SourceDefaults, sourceKind } from '../domain/source/resource.ts'
import type { SourceObject, SourceSpec } from '../domain/source/spec.ts'
import type { Logger } from '../lib/logger.ts'

/** A Source that somebody wrote: its spec, or why it cannot be used. */
export type KnownSource = {
  namespace: string
  name: string
  object: SourceObject
  /** What its status said when it was last seen: reason of the condition Ready, and about which generation. */
  reported: { reason: string; generation: number }
} & ({ spec: SourceSpec; problem?: undefined } | { spec?: undefined; problem: Problem })

export type SourceChange = KnownSource & {
  /** `removed`: what was known of it last. */
  kind: 'added' | 'changed' | 'removed'
  /** The state of the object before; absent where it was not known. */
  before?: SourceObject
}

/** All sources of this Capstan: the one of the flags, and Source objects as the cluster has them now. */
export type SourceRegistry = {
  /** Those that can be used, the one of the flags first. */
  list(): readonly SourceSpec[]
  get(namespace: string, name: string): SourceSpec | undefined
  /** All objects, those that cannot be used, too. */
  known(): readonly KnownSource[]
  find(namespace: string, name: string): KnownSource | undefined
  /**
   * Resolves once `list` is whole. Where Sources are not served it is whole at once; where they cannot be listed within ten seconds
   * (rights, a broken server) the start goes on without them, and they are added when they come.
   */
  readonly synced: Promise<void>
  /** Told of each change from now on; a change of the status alone is none. The answer ends it. */
  onChange(listener: (change: SourceChange) => void): () => void
  stop(): void
}

export type SourceRegistryOptions = {
  cluster: Pick<Cluster, 'watch' | 'resource'>
  /** Wins where a Source object has its name. */
  flagSource: SourceSpec | undefined
  defaults: SourceDefaults
  /** Where Source objects are looked for; empty for all namespaces, undefined for none at all. */
  namespaces: readonly string[] | undefined
  log: Logger
  /** Resolves after that many milliseconds; rejects when the signal aborts. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>
}

const patienceMs = 10_000
const askAgainMs = 2_000

/** Starts to watch at once; a definition that is installed later is found by itself. */
export function createSourceRegistry(options: SourceRegistryOptions): SourceRegistry {
  const { cluster, flagSource, log } = options
  const sources = new Map<string, KnownSource>()
  const listeners = new Set<(change: SourceChange) => void>()
  const stopped = new AbortController()
  /** Asked for many times between two changes; undefined after one. */
  let usable: readonly SourceSpec[] | undefined

  function tell(kind: SourceChange['kind'], known: KnownSource, before?: SourceObject): void {
    for (const listener of listeners) listener({ ...known, kind, ...(before ? { before } : {}) })
  }

  function see(object: KubeObject): void {
    const key = keyOf(object.metadata)
    if (object.metadata.deletionTimestamp) return forget(key)
    const before = sources.get(key)
    if (before && sameObject(before.object, objectOf(object))) {
      // the status alone, which each sync writes: what is made of the spec stays
      sources.set(key, { ...before, reported: reportedOf(object) })
      return
    }
    const known = readKnown(object, options)
    sources.set(key, known)
    usable = undefined
    if (known.problem) log.warn({ source: key, reason: known.problem.reason }, known.problem.message)
    tell(before ? 'changed' : 'added', known, before?.object)
  }

  function forget(key: string): void {
    const known = sources.get(key)
    usable = undefined
    if (known && sources.delete(key)) tell('removed', known)
  }

  /** A list is the whole truth about its namespace, or about all of them. */
  function replace(items: readonly KubeObject[], namespace: string): void {
    const there = new Set(items.map(({ metadata }) => keyOf(metadata)))
    for (const [key, known] of sources) {
      if ((namespace === '' || known.namespace === namespace) && !there.has(key)) forget(key)
    }
    for (const item of items) see(item)
  }

  function watch(namespace: string): Watch {
    const query = { ...sourceKind, ...(namespace ? { namespace } : {}) }
    return cluster.watch(query, (event: WatchEvent) => {
      if (event.type === 'replaced') replace(event.items, namespace)
      else if (event.type === 'changed') see(event.object)
      else forget(keyOf(event.object.metadata))
    })
  }

  const watches = namespacesOf(options).map(watch)
  return {
    list() {
      usable ??= [...(flagSource ? [flagSource] : []), ...[...sources.values()].flatMap(({ spec }) => spec ?? [])]
      return usable
    },
    get: (namespace, name) =>
      isNamed(flagSource, namespace, name) ? flagSource : sources.get(keyOf({ namespace, name }))?.spec,
    known: () => [...sources.values()],
    find: (namespace, name) => sources.get(keyOf({ namespace, name })),
    synced: untilSynced(watches, options, stopped.signal),
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    stop() {
      stopped.abort()
      for (const one of watches) one.stop()
    },
  }
}

function namespacesOf({ namespaces }: SourceRegistryOptions): readonly string[] {
  if (namespaces === undefined) return []
  return namespaces.length === 0 ? [''] : [...new Set(namespaces)]
}

function readKnown(object: KubeObject, { flagSource, defaults }: SourceRegistryOptions): KnownSource {
  const { namespace = '', name } = object.metadata
  const about = { namespace, name, object: objectOf(object), reported: reportedOf(object) }
  if (!isNamed(flagSource, namespace, name)) return { ...about, ...readSource(object, defaults) }
  const message = 'the flags of capstan run make a source of this name; give the object another one'
  return { ...about, problem: problemOf({ namespace, name }, message) }
}

function objectOf({ metadata: { uid = '', generation = 0, annotations } }: KubeObject): SourceObject {
  return { uid, generation, request: annotations?.[requestAnnotation] ?? '' }
}

function reportedOf(object: KubeObject): KnownSource['reported'] {
  return {
    reason: conditionOf(object, 'Ready')?.reason ?? '',
    generation: numberAt(mapAt(object, 'status'), 'observedGeneration', 0),
  }
}

function isNamed(spec: SourceSpec | undefined, namespace: string, name: string): boolean {
  return spec !== undefined && spec.namespace === namespace && spec.name === name
}

function sameObject(a: SourceObject, b: SourceObject): boolean {
  return a.uid === b.uid && a.generation === b.generation && a.request === b.request
}

function keyOf({ namespace, name }: { namespace?: string; name: string }): string {
  return `${namespace ?? ''}/${name}`
}

async function untilSynced(
  watches: readonly Watch[],
  options: SourceRegistryOptions,
  signal: AbortSignal,
): Promise<void> {
  if (watches.length === 0) return
  const done = new AbortController()
  const until = AbortSignal.any([signal, done.signal])
  const listed = Promise.all(watches.map(({ synced }) => synced)).then(
    () => '',
    () => '',
  )
  const late = (async () => {
    if (!(await isServed(options, until))) return ''
    await options.pause(patienceMs, until)
    return 'Source objects cannot be listed yet; the start goes on without them'
  })().catch(() => '')
  const warning = await Promise.race([listed, late])
  done.abort()
  if (warning) options.log.warn({}, warning)
}

/** A cluster that does not answer is asked again until it does. */
async function isServed({ cluster, pause }: SourceRegistryOptions, signal: AbortSignal): Promise<boolean> {
  for (;;) {
    const resource = cluster.resource(sourceKind.apiVersion, sourceKind.kind, signal)
    const answer = await resource.then(Boolean, () => undefined)
    if (answer !== undefined) return answer
    await pause(askAgainMs, signal)
  }
}
