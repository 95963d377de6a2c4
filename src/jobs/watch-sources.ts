import type { Cluster } from '../adapters/cluster/index.ts'
import type { ObjectRef } from '../domain/manifest/object.ts'
import type { SourceSpec } from '../domain/source/spec.ts'
import { type Enqueue, laneOfReason, periodicReason } from '../domain/work/job.ts'
import type { Logger } from '../lib/logger.ts'
import type { KnownSource, SourceChange, SourceRegistry } from './source-registry.ts'
import { idOf, watchNamed } from './watch-named.ts'

export type WatchSourcesDeps = {
  cluster: Pick<Cluster, 'watch'>
  enqueue: Enqueue
  /** Says in the status of an object why it cannot be used. */
  report: (known: KnownSource, signal: AbortSignal) => Promise<void>
  /** Ends for people and sinks what kept a source that is no more. */
  removed: (source: KnownSource, signal: AbortSignal) => Promise<void>
  log: Logger
  random: () => number
}

type Named = Pick<SourceSpec, 'namespace' | 'name'>
type SourceWork = 'fetch-source' | 'sync-source'

/** Long enough for the watches of other processes, which do the work, to have seen the same. */
const settleMs = 200

/**
 * The leader's part: a Source that is new, changed or asked for is fetched and synced at once, and so is one whose Secret came or changed
 * (where Capstan may watch it); each is looked at again at its own intervals. Where it begins, what is known already is left to the one
 * pass over everything with which a leader starts.
 */
export function watchSources(
  registry: Pick<SourceRegistry, 'known' | 'onChange'>,
  deps: WatchSourcesDeps,
  signal: AbortSignal,
): void {
  const pace = createPace((spec, kind) => ask(spec, kind, periodicReason), deps.random)

  function ask({ namespace, name }: Named, kind: SourceWork, reason: string, delayMs = 0): void {
    deps.enqueue({ kind, namespace, name, reason, lane: laneOfReason(reason), delayMs }).catch((error: unknown) => {
      deps.log.warn(
        { source: `${namespace}/${name}`, error: String(error) },
        'work on a source could not be enqueued; it is asked for again at its next interval',
      )
    })
  }

  const named = watchNamed(deps.cluster, (id) => {
    for (const spec of working()) {
      for (const [kind, secret] of secretsOf(spec)) if (idOf(secret) === id) ask(spec, kind, `${id} changed`, settleMs)
    }
  })

  function working(): SourceSpec[] {
    return registry.known().flatMap(({ spec }) => (spec && !spec.suspended ? [spec] : []))
  }

  function followSecrets(): void {
    named.follow(working().flatMap((spec) => secretsOf(spec).map(([, secret]) => secret)))
  }

  function follow(known: KnownSource): void {
    if (known.spec && !known.spec.suspended) return pace.follow(known.spec)
    pace.end(known)
    if (!known.problem) return
    deps.report(known, signal).catch((error: unknown) => {
      deps.log.warn(
        { source: `${known.namespace}/${known.name}`, error: String(error) },
        'a status could not be written',
      )
    })
  }

  function leave(source: KnownSource): void {
    pace.end(source)
    deps.removed(source, signal).catch((error: unknown) => {
      if (signal.aborted) return
      deps.log.warn(
        { source: `${source.namespace}/${source.name}`, error: String(error) },
        'the end of a source could not be told',
      )
    })
  }

  function look(change: SourceChange): void {
    followSecrets()
    if (change.kind === 'removed') return leave(change)
    follow(change)
    const { spec } = change
    if (spec) ask(spec, spec.suspended ? 'sync-source' : 'fetch-source', reasonOf(change), settleMs)
  }

  for (const known of registry.known()) follow(known)
  followSecrets()
  const endWatch = registry.onChange(look)
  const stop = (): void => {
    endWatch()
    named.stop()
    pace.stop()
  }
  signal.addEventListener('abort', stop, { once: true })
}

/** The Secrets that a source names, and what is to be done when they change: with its login it is fetched, with its keys synced. */
function secretsOf({ namespace, secretName, sopsSecretName }: SourceSpec) {
  const refOf = (name: string): ObjectRef & { namespace: string } => ({
    apiVersion: 'v1',
    kind: 'Secret',
    namespace,
    name,
  })
  const uses: [SourceWork, string][] = [
    ['fetch-source', secretName],
    ['sync-source', sopsSecretName],
  ]
  return uses.flatMap(([kind, name]) => (name === '' ? [] : [[kind, refOf(name)] as const]))
}

function reasonOf({ kind, object, before }: SourceChange): string {
  if (kind === 'added') return 'new Source'
  const isAsked = before?.generation === object.generation && before.uid === object.uid
  return isAsked ? 'requested by annotation' : `generation ${object.generation}`
}

/** Asks for the periodic work of each source at its own intervals, spread by chance so that many do not come together. */
function createPace(ask: (spec: SourceSpec, kind: SourceWork) => void, random: () => number) {
  const timers = new Map<string, NodeJS.Timeout>()

  function repeat(spec: SourceSpec, kind: SourceWork, everyMs: number): void {
    const key = keyOf(spec, kind)
    const again = (ms: number): void => {
      const due = (): void => {
        again(everyMs * (0.95 + random() / 10))
        ask(spec, kind)
      }
      timers.set(key, setTimeout(due, ms))
    }
    again(everyMs * (0.5 + random() / 2))
  }

  function end(source: Named): void {
    for (const kind of ['fetch-source', 'sync-source'] as const) {
      clearTimeout(timers.get(keyOf(source, kind)))
      timers.delete(keyOf(source, kind))
    }
  }

  return {
    follow(spec: SourceSpec): void {
      end(spec)
      repeat(spec, 'fetch-source', spec.pollIntervalMs)
      repeat(spec, 'sync-source', spec.syncIntervalMs)
    },
    end,
    stop(): void {
      for (const timer of timers.values()) clearTimeout(timer)
      timers.clear()
    },
  }
}

function keyOf({ namespace, name }: Named, kind: SourceWork): string {
  return `${kind} ${namespace}/${name}`
}
