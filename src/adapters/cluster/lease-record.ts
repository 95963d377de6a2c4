import type { KubeObject, ObjectRef } from '../../domain/manifest/object.ts'
import type { ListQuery } from './objects.ts'

/** What Leases need of the cluster. */
export type LeaseCluster = {
  get(ref: ObjectRef, options?: { signal?: AbortSignal }): Promise<KubeObject | undefined>
  list(query: ListQuery, signal?: AbortSignal): Promise<KubeObject[]>
  create(object: KubeObject, signal?: AbortSignal): Promise<KubeObject>
  replace(object: KubeObject, signal?: AbortSignal): Promise<KubeObject>
  delete(
    ref: ObjectRef,
    preconditions: { uid?: string; resourceVersion?: string },
    signal?: AbortSignal,
  ): Promise<'deleted' | 'absent'>
}

type LeaseSpec = {
  holderIdentity?: string
  leaseDurationSeconds?: number
  acquireTime?: string
  renewTime?: string
  leaseTransitions?: number
}

export const leaseKind = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' } as const

/** Marks the Leases of processes, so that a dead one can be found by those who do not know its name. */
export const processLeaseLabel = 'capstan.dev/lease'

/** A new Lease that `holder` has just taken. */
export function newLease(about: {
  namespace: string
  name: string
  holder: string
  durationSeconds: number
  wall: Date
  labels?: Record<string, string>
}): KubeObject {
  const { namespace, name, holder, durationSeconds, wall, labels } = about
  const time = microTime(wall)
  return {
    ...leaseKind,
    metadata: { name, namespace, labels: { 'app.kubernetes.io/managed-by': 'capstan', ...labels } },
    spec: {
      holderIdentity: holder,
      leaseDurationSeconds: durationSeconds,
      acquireTime: time,
      renewTime: time,
      leaseTransitions: 0,
    },
  }
}

/** The Lease with a fresh renewTime; the server refuses it when anybody wrote in between (its resourceVersion is kept). */
export function renewedLease(lease: KubeObject, wall: Date): KubeObject {
  return { ...lease, spec: { ...specOf(lease), renewTime: microTime(wall) } }
}

/** The Lease under a new holder; empty `holder` gives it up. */
export function takenLease(lease: KubeObject, holder: string, wall: Date): KubeObject {
  const time = microTime(wall)
  const spec = specOf(lease)
  const leaseTransitions = (spec.leaseTransitions ?? 0) + (holder ? 1 : 0)
  return { ...lease, spec: { ...spec, holderIdentity: holder, acquireTime: time, renewTime: time, leaseTransitions } }
}

export function holderOf(lease: KubeObject): string {
  return specOf(lease).holderIdentity ?? ''
}

function specOf(lease: KubeObject): LeaseSpec {
  return lease.spec ?? {}
}

/** Kubernetes' MicroTime wants six digits. It is for people: no decision is taken by a wall clock (hazard F3). */
function microTime(wall: Date): string {
  return wall.toISOString().replace('Z', '000Z')
}

/**
 * Which Leases have stood still while we looked, by our own monotonic clock: a Lease counts as expired once the same version of
 * it was seen twice with at least `expireMs` between.
 */
export class LeaseWatcher {
  readonly #seen = new Map<string, { version: string; at: number }>()
  readonly #expireMs: number

  constructor(expireMs: number) {
    this.#expireMs = expireMs
  }

  /** Notes what an answer showed: `askedAt` before the request, `now` after it. True when the Lease is expired. */
  look(lease: KubeObject, askedAt: number, now: number): boolean {
    const { uid = '', resourceVersion: version = '' } = lease.metadata
    const known = this.#seen.get(uid)
    if (known?.version === version) return askedAt - known.at >= this.#expireMs
    this.#seen.set(uid, { version, at: now })
    return false
  }

  /** Forgets all but these, or all: after a time in which nothing could be seen, nothing is known. */
  keepOnly(leases: readonly KubeObject[] = []): void {
    const uids = new Set(leases.map((lease) => lease.metadata.uid))
    for (const uid of this.#seen.keys()) if (!uids.has(uid)) this.#seen.delete(uid)
  }
}
