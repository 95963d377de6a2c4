import { randomUUID } from 'node:crypto'
import { AppError } from '../../domain/error.ts'
import type { KubeObject } from '../../domain/manifest/object.ts'
import type { Logger } from '../../lib/logger.ts'
import {
  holderOf,
  type LeaseCluster,
  leaseKind,
  LeaseWatcher,
  newLease,
  renewedLease,
  takenLease,
} from './lease-record.ts'
import { pause } from './send.ts'

export type LeadershipOptions = {
  cluster: LeaseCluster
  /** Must exist. */
  namespace: string
  /** Default `capstan-controller`. */
  name?: string
  /** For people; made unique by itself. */
  identity: string
  log: Logger
  /** Called when this process becomes the leader; the signal aborts when it no longer is. */
  onLead: (signal: AbortSignal) => void
  /** Called after each loss, not after `stop`. */
  onLost?: (why: string) => void
  /** Monotonic milliseconds; tests pass their own. */
  now?: () => number
  timing?: Partial<LeadershipTiming>
}

/** In milliseconds, as client-go's 15/10/2 s (hazard F4): taken over after `expireMs`, given up after `deadlineMs`. */
type LeadershipTiming = {
  expireMs: number
  deadlineMs: number
  retryMs: number
  /** How long `stop` waits for the Lease to be given up. */
  stopMs: number
}

export type Leadership = {
  /** True while the Lease is ours and was renewed within the deadline. */
  isLeader(): boolean
  /** Gives the Lease up, so that another takes it within about 2 s. Never rejects. */
  stop(): Promise<void>
}

const defaultTiming: LeadershipTiming = { expireMs: 15_000, deadlineMs: 10_000, retryMs: 2000, stopMs: 3000 }

/**
 * Stands for election at once and until stopped; whoever holds the Lease leads. Expiry is judged by what this process saw on
 * its own monotonic clock, so wall clocks may be wrong (hazard F3).
 */
export function createLeadership(options: LeadershipOptions): Leadership {
  return new Candidate(options)
}

class Candidate implements Leadership {
  readonly #options: LeadershipOptions
  readonly #timing: LeadershipTiming
  readonly #now: () => number
  readonly #name: string
  readonly #holder: string
  readonly #stopped = new AbortController()
  readonly #watcher: LeaseWatcher
  /** The Lease as we last wrote it; set while we lead. */
  #lease: KubeObject | undefined
  #renewedAt = Number.NEGATIVE_INFINITY
  #reign = new AbortController()
  readonly #running: Promise<void>

  constructor(options: LeadershipOptions) {
    this.#options = options
    this.#timing = { ...defaultTiming, ...options.timing }
    this.#now = options.now ?? (() => performance.now())
    this.#name = options.name ?? 'capstan-controller'
    this.#holder = `${options.identity}_${randomUUID()}`
    this.#watcher = new LeaseWatcher(this.#timing.expireMs)
    this.#running = this.#run()
  }

  isLeader(): boolean {
    return (
      !this.#stopped.signal.aborted &&
      this.#lease !== undefined &&
      this.#now() - this.#renewedAt < this.#timing.deadlineMs
    )
  }

  async #run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      try {
        await (this.#lease ? this.#renew(this.#lease) : this.#stand())
      } catch (error) {
        if (this.#stopped.signal.aborted) return
        this.#failed(error)
      }
      // A stopped pause ends the loop.
      await pause(this.#timing.retryMs * (0.8 + Math.random() / 5), this.#stopped.signal).catch(() => {})
    }
  }

  async stop(): Promise<void> {
    if (this.#stopped.signal.aborted) return
    this.#stopped.abort(new AppError('FenceLost', 'The process is stopping.'))
    this.#reign.abort(this.#stopped.signal.reason)
    // A renewal under way moves the version that the giving back needs.
    await this.#running
    const held = this.#lease
    if (!held) return
    try {
      await this.#options.cluster.replace(takenLease(held, '', new Date()), AbortSignal.timeout(this.#timing.stopMs))
    } catch (error) {
      this.#options.log.info({ lease: this.#name, why: (error as Error).message }, 'the Lease was not given back')
    }
  }

  async #stand(): Promise<void> {
    const { cluster, namespace } = this.#options
    const askedAt = this.#now()
    const found = await cluster.get({ ...leaseKind, namespace, name: this.#name }, { signal: this.#deadline() })
    if (
      found &&
      holderOf(found) &&
      holderOf(found) !== this.#holder &&
      !this.#watcher.look(found, askedAt, this.#now())
    )
      return
    const takenAt = this.#now()
    const lease = await (found ? this.#take(found) : this.#create())
    this.#lead(lease, takenAt)
  }

  async #take(found: KubeObject): Promise<KubeObject> {
    return await this.#options.cluster.replace(takenLease(found, this.#holder, new Date()), this.#deadline())
  }

  async #create(): Promise<KubeObject> {
    const lease = newLease({
      namespace: this.#options.namespace,
      name: this.#name,
      holder: this.#holder,
      durationSeconds: Math.ceil(this.#timing.expireMs / 1000),
      wall: new Date(),
    })
    return await this.#options.cluster.create(lease, this.#deadline())
  }

  #lead(lease: KubeObject, takenAt: number): void {
    this.#lease = lease
    this.#renewedAt = takenAt
    if (this.#stopped.signal.aborted) return
    this.#reign = new AbortController()
    this.#options.log.info({ lease: this.#name, holder: this.#holder }, 'this process leads')
    this.#options.onLead(this.#reign.signal)
  }

  async #renew(lease: KubeObject): Promise<void> {
    const { cluster, namespace } = this.#options
    const askedAt = this.#now()
    try {
      const renewed = await cluster.replace(renewedLease(lease, new Date()), this.#deadline())
      this.#lease = renewed
      this.#renewedAt = askedAt
    } catch (error) {
      if (!(error instanceof AppError) || error.reason !== 'OtherWriter') throw error
      const found = await cluster.get({ ...leaseKind, namespace, name: this.#name }, { signal: this.#deadline() })
      if (found && holderOf(found) === this.#holder) this.#lease = found
      else this.#lose('another process took the Lease')
    }
  }

  #failed(error: unknown): void {
    const why = error instanceof Error ? error.message : String(error)
    this.#options.log.debug({ lease: this.#name, why }, 'the Lease could not be read or written')
    const remaining = this.#timing.deadlineMs - (this.#now() - this.#renewedAt)
    if (this.#lease && remaining <= 0) this.#lose(why)
  }

  #lose(why: string): void {
    this.#lease = undefined
    this.#options.log.warn({ lease: this.#name, why }, 'this process no longer leads')
    this.#reign.abort(new AppError('FenceLost', `This process no longer leads: ${why}.`))
    this.#options.onLost?.(why)
  }

  /** While leading, no attempt lasts beyond the moment at which the lead must be given up. */
  #deadline(): AbortSignal {
    const left = this.#lease ? this.#timing.deadlineMs - (this.#now() - this.#renewedAt) : this.#timing.deadlineMs
    return AbortSignal.timeout(Math.max(1, Math.min(this.#timing.deadlineMs / 2, left)))
  }
}
