import type { Cluster, ListQuery } from '../adapters/cluster/index.ts'
import { AppError, toAppError } from '../domain/error.ts'
import type { KubeObject } from '../domain/manifest/object.ts'

export type LookDeps = {
  cluster: Pick<Cluster, 'list'>
  /** Where Capstan runs and keeps its Leases. */
  namespace: string
  /** The one namespace with HelmReleases; empty for all. */
  releaseNamespace: string
  /** Resolves after that many milliseconds; rejects when the signal aborts. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>
  /** Monotonic milliseconds. */
  now: () => number
  /** Told in plain words what is done. */
  tell: (line: string) => void
}

/** A Lease that nobody renewed for this long belongs to nobody; see the Leases of processes. */
const expireMs = 15_000
const lookMs = 500

/** Capstan's Deployments, by the labels of our chart; in all namespaces when left out. */
export function deploymentQuery(namespace?: string): ListQuery {
  const labelSelector = 'app.kubernetes.io/name=capstan'
  return { apiVersion: 'apps/v1', kind: 'Deployment', labelSelector, ...(namespace ? { namespace } : {}) }
}

/** Leases say who runs, also outside the cluster; in all namespaces when left out. */
export function leaseQuery(namespace?: string): ListQuery {
  const labelSelector = 'capstan.dev/lease=process'
  return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', labelSelector, ...(namespace ? { namespace } : {}) }
}

export function isScaledDown({ spec }: KubeObject): boolean {
  return (spec as { replicas?: number }).replicas === 0
}

/** Which of the Leases that are given again and again are not of a process that is gone: one that stands still for long enough is. */
export function watchLeases(now: () => number): (leases: readonly KubeObject[]) => KubeObject[] {
  const seen = new Map<string, { version: string; since: number }>()
  return (leases) =>
    leases.filter(({ metadata: { namespace = '', name, resourceVersion = '' } }) => {
      const id = `${namespace}/${name}`
      if (seen.get(id)?.version !== resourceVersion) seen.set(id, { version: resourceVersion, since: now() })
      return now() - (seen.get(id)?.since ?? now()) < expireMs
    })
}

/**
 * Throws `OtherWriter`, naming the namespace, where Capstan is not in the namespace that was given and runs in another one: it would put
 * its finalizers on again. One whose Deployment says that it works on HelmReleases of another namespace than ours stands in nobody's way. Who may not
 * look elsewhere is told so.
 */
export async function refuseElsewhere(deps: LookDeps, signal: AbortSignal): Promise<void> {
  const { cluster, namespace, tell } = deps
  const here = [deploymentQuery(namespace), leaseQuery(namespace)].map((query) => cluster.list(query, signal))
  if ((await Promise.all(here)).flat().length > 0) return
  try {
    const where = await findElsewhere(deps, signal)
    if (!where) return
    throw new AppError(
      'OtherWriter',
      `Capstan is not in the namespace ${namespace}, and runs in ${where.namespace} (${where.what}); nothing was done, since it would put its finalizers on again: give --namespace ${where.namespace}`,
    )
  } catch (error) {
    if (toAppError(error).reason !== 'Forbidden') throw error
    tell(
      `Capstan is not in the namespace ${namespace}, and you may not look for it elsewhere; give --namespace if it runs`,
    )
  }
}

type Found = { namespace: string; what: string }

async function findElsewhere(deps: LookDeps, signal: AbortSignal): Promise<Found | undefined> {
  const { cluster, releaseNamespace } = deps
  const running = (await cluster.list(deploymentQuery(), signal)).filter((object) => !isScaledDown(object))
  const deployment = running.find((object) => mayConcern(object, releaseNamespace))
  if (deployment) return found(deployment)
  const others = new Set(running.map(({ metadata }) => metadata.namespace))
  const lease = await findRenewed(deps, (object) => !others.has(object.metadata.namespace), signal)
  return lease && found(lease)
}

function found({ kind, metadata: { namespace = '', name } }: KubeObject): Found {
  return { namespace, what: `${kind} ${name}` }
}

/** The first Lease that somebody renews while we look, for as long as one may stand still. */
async function findRenewed(
  { cluster, pause, now }: LookDeps,
  isWanted: (lease: KubeObject) => boolean,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  const alive = watchLeases(now)
  const first = new Map<string | undefined, string | undefined>()
  for (;;) {
    const leases = (await cluster.list(leaseQuery(), signal)).filter(isWanted)
    for (const { metadata } of leases) {
      if (!first.has(metadata.uid)) first.set(metadata.uid, metadata.resourceVersion)
    }
    const renewed = leases.find(({ metadata }) => first.get(metadata.uid) !== metadata.resourceVersion)
    if (renewed || alive(leases).length === 0) return renewed
    await pause(lookMs, signal)
  }
}

function mayConcern({ spec }: KubeObject, releaseNamespace: string): boolean {
  const { template } = spec as { template?: { spec?: { containers?: { args?: string[] }[] } } }
  const args = (template?.spec?.containers ?? []).flatMap((container) => container.args ?? [])
  const flag = '--allow-namespace='
  const bound = args.findLast((arg) => arg.startsWith(flag))?.slice(flag.length) ?? ''
  return bound === '' || releaseNamespace === '' || bound === releaseNamespace
}
