import { AppError } from '../../domain/error.ts'
import type { KubeObject } from '../../domain/manifest/object.ts'
import type { Fence } from '../../domain/work/fence.ts'
import type { Logger } from '../../lib/logger.ts'
import {
  holderOf,
  type LeaseCluster,
  leaseKind,
  LeaseWatcher,
  newLease,
  processLeaseLabel,
  renewedLease,
} from './lease-record.ts'
import { pause } from './send.ts'

export type FenceOptions = {
  cluster: LeaseCluster
  /** Must exist. */
  namespace: string
  /** Unique to this process and never used again, e.g. `<pod>-<random>`. The Lease is `capstan-<identity>`. */
  identity: string
  log: Logger
  /**
   * Called once when the Lease is gone for good (somebody judged this process dead, or deleted the Lease): the epoch never
   * comes back, so the process should end and be started again.
   */
  onLost?: (why: string) => void
  /** Monotonic milliseconds; tests pass their own. */
  now?: () => number
  timing?: Partial<FenceTiming>
}

/** In milliseconds. `fenceMs` < `expireMs`: a process stops writing before others may think it dead. */
type FenceTiming = {
  renewMs: number
  retryMs: number
  fenceMs: number
  expireMs: number
  sweepMs: number
  /** How long `stop` waits for the Lease to be given up. */
  stopMs: number
}

export type LeasedFence = Fence & {
  /** Gives the Lease up: from here on `check` throws. Never rejects. */
  stop(): Promise<void>
}

const defaultTiming: FenceTiming = {
  renewMs: 5000,
  retryMs: 1000,
  fenceMs: 10_000,
  expireMs: 15_000,
  sweepMs: 60_000,
  stopMs: 3000,
}

/**
 * This process's Lease and what it says about other processes (W4, hazards F3–F5). All times are monotonic and our own.
 * A Lease counts as renewed from the moment the request was *sent*; another's Lease counts as standing still from the moment
 * its version was *seen*. Who finds a dead Lease deletes it under its version before saying so, so a process that was only slow
 * either renews first, and is alive, or finds its Lease gone and never writes again under that epoch.
 * Rejects with `OtherWriter` when the identity is taken, else as `Cluster.create`.
 */
export async function createFence(options: FenceOptions): Promise<LeasedFence> {
  const fence = new ProcessLease(options)
  await fence.begin()
  return fence
}

class ProcessLease implements LeasedFence {
  readonly #options: FenceOptions
  readonly #timing: FenceTiming
  readonly #now: () => number
  readonly #stopped = new AbortController()
  readonly #others: LeaseWatcher
  #lease: KubeObject | undefined
  #renewedAt = Number.NEGATIVE_INFINITY
  #lost = ''
  epoch = ''

  constructor(options: FenceOptions) {
    this.#options = options
    this.#timing = { ...defaultTiming, ...options.timing }
    this.#now = options.now ?? (() => performance.now())
    this.#others = new LeaseWatcher(this.#timing.expireMs)
  }

  async begin(): Promise<void> {
    const { cluster, namespace, identity } = this.#options
    const askedAt = this.#now()
    const lease = newLease({
      namespace,
      name: `capstan-${identity}`,
      holder: identity,
      durationSeconds: Math.ceil(this.#timing.expireMs / 1000),
      wall: new Date(),
      labels: { [processLeaseLabel]: 'process' },
    })
    this.#lease = await cluster.create(lease, this.#deadline())
    this.#renewedAt = askedAt
    this.epoch = `${lease.metadata.name}/${this.#lease.metadata.uid ?? ''}`
    void this.#every(() => this.#renew())
    void this.#every(() => this.#sweep())
  }

  check(): void {
    if (this.#stopped.signal.aborted) throw lost('This process is stopping and gave up its Lease.')
    if (this.#lost) throw lost(this.#lost)
    const silentMs = this.#now() - this.#renewedAt
    if (silentMs < this.#timing.fenceMs) return
    throw lost(`The Lease of this process was not renewed for ${Math.round(silentMs / 1000)} s.`)
  }

  async isDead(epoch: string): Promise<boolean> {
    if (epoch === this.epoch) return this.#lost !== ''
    const [name = '', uid = ''] = epoch.split('/')
    if (!name.startsWith('capstan-') || !uid) return true
    const { cluster, namespace } = this.#options
    const askedAt = this.#now()
    const lease = await cluster.get({ ...leaseKind, namespace, name })
    if (!lease || lease.metadata.uid !== uid) return true
    return await this.#buryIfExpired(lease, askedAt)
  }

  async stop(): Promise<void> {
    if (this.#stopped.signal.aborted) return
    this.#stopped.abort(lost('The fence was stopped.'))
    const { cluster, namespace, log } = this.#options
    const { name = '', uid = '' } = this.#lease?.metadata ?? {}
    if (this.#lost) return
    try {
      await cluster.delete({ ...leaseKind, namespace, name }, { uid }, AbortSignal.timeout(this.#timing.stopMs))
    } catch (error) {
      log.info({ lease: name, why: (error as Error).message }, 'the Lease could not be deleted; it expires by itself')
    }
  }

  /** Runs a step again after the time it gives, until the fence is stopped or lost. */
  async #every(step: () => Promise<number>): Promise<void> {
    try {
      while (!this.#lost) await pause(await step(), this.#stopped.signal)
    } catch {
      // Only the pause throws, when stopped.
    }
  }

  async #renew(): Promise<number> {
    const askedAt = this.#now()
    if (askedAt - this.#renewedAt < this.#timing.renewMs) return this.#renewedAt + this.#timing.renewMs - askedAt
    try {
      await this.#renewOnce(askedAt)
      return Math.max(0, this.#timing.renewMs - (this.#now() - askedAt))
    } catch (error) {
      if (this.#stopped.signal.aborted) return 0
      this.#options.log.warn({ epoch: this.epoch, why: (error as Error).message }, 'the Lease was not renewed')
      return this.#timing.retryMs
    }
  }

  async #renewOnce(askedAt: number): Promise<void> {
    const { cluster } = this.#options
    if (!this.#lease) return
    try {
      this.#lease = await cluster.replace(renewedLease(this.#lease, new Date()), this.#deadline())
    } catch (error) {
      if (!(error instanceof AppError) || error.reason !== 'OtherWriter') throw error
      await this.#lookAtOwn()
      return
    }
    // While we could not renew we could not see others renew either: what was observed before counts no more.
    const { renewMs, retryMs } = this.#timing
    if (askedAt - this.#renewedAt > renewMs + 2 * retryMs) this.#others.keepOnly()
    this.#renewedAt = askedAt
  }

  /** After a refused renewal: the version moved (an earlier renewal arrived after all, or a person annotated it), or it is gone. */
  async #lookAtOwn(): Promise<void> {
    const { cluster, namespace, identity } = this.#options
    const { name = '', uid } = this.#lease?.metadata ?? {}
    const found = await cluster.get({ ...leaseKind, namespace, name }, { signal: this.#deadline() })
    if (found && found.metadata.uid === uid && holderOf(found) === identity) {
      this.#lease = found
      throw new AppError('OtherWriter', 'The Lease was written by somebody else.')
    }
    this.#lost = `The Lease ${namespace}/${name} of this process was taken away.`
    this.#options.log.warn({ epoch: this.epoch }, this.#lost)
    this.#options.onLost?.(this.#lost)
  }

  /** Removes what processes left that ended without a goodbye. */
  async #sweep(): Promise<number> {
    const { cluster, namespace, log } = this.#options
    try {
      const askedAt = this.#now()
      const query = { ...leaseKind, namespace, labelSelector: `${processLeaseLabel}=process` }
      const leases = await cluster.list(query, this.#deadline())
      this.#others.keepOnly(leases)
      for (const lease of leases) {
        if (lease.metadata.uid !== this.#lease?.metadata.uid) await this.#buryIfExpired(lease, askedAt)
      }
    } catch (error) {
      log.debug({ why: (error as Error).message }, 'Leases of other processes could not be looked at')
    }
    return this.#timing.sweepMs
  }

  async #buryIfExpired(lease: KubeObject, askedAt: number): Promise<boolean> {
    const expired = this.#others.look(lease, askedAt, this.#now())
    // Whoever cannot reach the server himself is no judge of others.
    if (!expired || this.#now() - this.#renewedAt >= this.#timing.fenceMs) return false
    const { name, namespace = '', uid = '', resourceVersion = '' } = lease.metadata
    try {
      await this.#options.cluster.delete({ ...leaseKind, namespace, name }, { uid, resourceVersion }, this.#deadline())
      this.#options.log.info({ lease: name }, 'the Lease of a dead process was removed')
      return true
    } catch (error) {
      // It was renewed at the last moment.
      if (error instanceof AppError && error.reason === 'OtherWriter') return false
      throw error
    }
  }

  #deadline(): AbortSignal {
    return AbortSignal.timeout(this.#timing.renewMs * 0.8)
  }
}

function lost(message: string): AppError {
  return new AppError('FenceLost', message)
}
