import { AppError, toAppError } from '../../domain/error.ts'
import type { KubeObject } from '../../domain/manifest/object.ts'
import { isOlderVersion } from '../../domain/manifest/resource-version.ts'
import type { Logger } from '../../lib/logger.ts'
import type { Connection } from './connect.ts'
import { currentVersion, listObjects } from './list.ts'
import type { Api, ListQuery } from './objects.ts'
import { pause } from './send.ts'
import { followChanges, type Follow } from './follow.ts'

export type WatchEvent =
  /**
   * The complete state after each list: replace what you hold. `isRewound`: the cluster has gone back in time, as after a restored backup
   * (hazard C12), so that what you hold may be newer and is wrong all the same.
   */
  | { type: 'replaced'; items: KubeObject[]; isRewound?: boolean }
  | { type: 'changed'; object: KubeObject }
  | { type: 'deleted'; object: KubeObject }

export type Watch = {
  /** Resolves after the first complete list. Rejects only when stopped before it. */
  synced: Promise<void>
  /** Why there was no complete list yet; undefined after the first. */
  problem(): AppError | undefined
  stop(): void
}

/** How patient a watch is, in milliseconds. */
export type WatchTiming = {
  /** How long the server keeps a watch open; up to a quarter more by chance. */
  openMs: number
  /** No byte for that time and so much more: the connection is dead, whatever TCP says. */
  graceMs: number
  /** Nor for so long: a living watch has a bookmark about every minute (Kubernetes documentation, "Watch bookmarks"). */
  silenceMs: number
  /** A list at least so often, so that a change lost on the way cannot stay lost (hazard C6). */
  relistMs: number
  /** Least time between two attempts (hazard C7), and the pace at which a kind that is not served is looked for. */
  paceMs: number
  maxBackoffMs: number
  /** A kind that was served and is not for that long is gone, and its objects with it; an API server that starts may not know it yet. */
  unknownMs: number
}

export const watchTiming: WatchTiming = {
  openMs: 240_000,
  graceMs: 30_000,
  silenceMs: 75_000,
  relistMs: 600_000,
  paceMs: 1000,
  maxBackoffMs: 30_000,
  unknownMs: 30_000,
}

type Parts = { api: Api; connection: Connection; log: Logger; timing: WatchTiming }

/** Closes in a row that brought nothing, after which the position is no longer trusted. */
const maxEmptyCloses = 3

/** A list, then its changes, for ever: what breaks is begun again with back-off, and a new list follows where changes may be lost. */
export function startWatch(parts: Parts, query: ListQuery, onEvent: (event: WatchEvent) => void): Watch {
  const stopped = new AbortController()
  const log = parts.log.child({ apiVersion: query.apiVersion, kind: query.kind })
  const first = Promise.withResolvers<void>()
  // Nobody has to wait for it.
  first.promise.catch(() => {})

  function tell(event: WatchEvent): void {
    if (stopped.signal.aborted) return
    try {
      onEvent(event)
    } catch (error) {
      log.error({ err: error }, 'a listener of a watch failed')
    }
  }

  const loop = new WatchLoop({ ...parts, log }, query, tell, stopped.signal)
  void loop.run(first.resolve).catch(() => {})
  return {
    synced: first.promise,
    problem: () => loop.problem,
    stop() {
      stopped.abort(new AppError('ClusterUnavailable', 'The watch was stopped.'))
      first.reject(stopped.signal.reason)
    },
  }
}

/** One watch's position and how often it failed in a row. */
class WatchLoop {
  readonly #parts: Parts
  readonly #query: ListQuery
  readonly #tell: (event: WatchEvent) => void
  readonly #signal: AbortSignal
  #resourceVersion = ''
  /** The newest version that was heard of. */
  #newest = ''
  #listedAt = 0
  #emptyCloses = 0
  #failures = 0
  #isSynced = false
  /** By the monotonic clock: since when a kind that was served before is not; 0 for a served one. */
  #unknownSince = 0
  #isForgotten = false
  /** The last failure, until the first complete list. */
  problem: AppError | undefined

  constructor(parts: Parts, query: ListQuery, tell: (event: WatchEvent) => void, signal: AbortSignal) {
    this.#parts = parts
    this.#query = query
    this.#tell = tell
    this.#signal = signal
  }

  async run(onSynced: () => void): Promise<void> {
    while (!this.#signal.aborted) {
      const begunAt = performance.now()
      let waitMs = 0
      try {
        if (this.#failures > 0) await this.#lookBack()
        if (this.#mustList()) await this.#list(onSynced)
        await this.#follow()
      } catch (error) {
        if (this.#signal.aborted) return
        waitMs = this.#failed(error)
      }
      const spentMs = performance.now() - begunAt
      await pause(Math.max(waitMs, this.#parts.timing.paceMs - spentMs), this.#signal)
    }
  }

  /** A watch from a version that a restored cluster does not have yet is open and silent: nobody says that changes are lost. */
  async #lookBack(): Promise<void> {
    if (!this.#resourceVersion) return
    const version = await currentVersion(this.#parts.api, this.#query, this.#signal)
    if (isOlderVersion(version, this.#newest)) this.#resourceVersion = ''
  }

  #mustList(): boolean {
    const { relistMs } = this.#parts.timing
    return (
      !this.#resourceVersion || this.#emptyCloses >= maxEmptyCloses || performance.now() - this.#listedAt > relistMs
    )
  }

  async #list(onSynced: () => void): Promise<void> {
    const listed = await listObjects(this.#parts.api, this.#query, this.#signal)
    const isRewound = isOlderVersion(listed.resourceVersion, this.#newest)
    if (isRewound) this.#parts.log.warn({}, 'the cluster has gone back in time: its state is taken as it is now')
    this.#resourceVersion = listed.resourceVersion
    this.#newest = listed.resourceVersion
    this.#listedAt = performance.now()
    this.#emptyCloses = 0
    this.#isSynced = true
    this.#isForgotten = false
    this.#unknownSince = 0
    this.problem = undefined
    this.#tell({ type: 'replaced', items: listed.items, ...(isRewound ? { isRewound } : {}) })
    onSynced()
  }

  async #follow(): Promise<void> {
    const { openMs, graceMs, silenceMs } = this.#parts.timing
    const jitteredMs = openMs * (1 + Math.random() / 4)
    const follow: Follow = {
      query: this.#query,
      resourceVersion: this.#resourceVersion,
      openMs: jitteredMs,
      silenceMs: Math.min(jitteredMs + graceMs, silenceMs),
      signal: this.#signal,
    }
    let heard = 0
    const end = await followChanges(this.#parts, follow, (change) => {
      heard += 1
      this.#failures = 0
      this.#emptyCloses = 0
      this.#resourceVersion = change.resourceVersion
      this.#newest = change.resourceVersion
      if (change.type !== 'bookmark') this.#tell({ type: change.type, object: change.object })
    })
    if (heard === 0) this.#emptyCloses += 1
    if (end === 'closed') return
    this.#resourceVersion = ''
    // A server that forgets faster than we can list is asked with back-off.
    if (heard === 0)
      throw new AppError('ClusterUnavailable', 'The server no longer knows the version of the last list.')
  }

  /** A definition that went while nobody heard of it took its objects along: nobody tells of them one by one. */
  #forget(): void {
    if (!this.#isSynced || this.#isForgotten) return
    this.#unknownSince ||= performance.now()
    if (performance.now() - this.#unknownSince < this.#parts.timing.unknownMs) return
    this.#isForgotten = true
    this.#parts.log.warn({}, 'the kind is not served any more: its objects count as gone')
    this.#tell({ type: 'replaced', items: [] })
  }

  /** How long to wait after a failure. */
  #failed(error: unknown): number {
    if (!this.#isSynced) this.problem = toAppError(error)
    const { paceMs, maxBackoffMs } = this.#parts.timing
    // The kind may be installed at any moment; its look-up is one small request.
    if (error instanceof AppError && error.reason === 'UnknownKind') {
      this.#resourceVersion = ''
      this.#forget()
      return paceMs * (1 + Math.random() / 4)
    }
    this.#unknownSince = 0
    this.#failures += 1
    const message = error instanceof Error ? error.message : String(error)
    this.#parts.log.info({ failures: this.#failures, why: message }, 'watch is begun again')
    return Math.min(maxBackoffMs, paceMs * 2 ** (this.#failures - 1)) * (0.5 + Math.random() / 2)
  }
}
