import type { Cluster } from '../adapters/cluster/index.ts'
import { AppError, toAppError } from '../domain/error.ts'
import type { KubeObject } from '../domain/manifest/object.ts'
import { parseRecord, recordSelector } from '../domain/release/record.ts'
import { helmReleaseKind } from '../domain/release/spec.ts'
import { finalizer } from './sync-release/finalizer.ts'

export type EjectDeps = {
  cluster: Pick<Cluster, 'list' | 'patch' | 'replace' | 'resource'>
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

/** What was taken off. */
export type Ejected = { finalizers: number; intents: number }

const lookMs = 500
/** A Lease that nobody renewed for this long belongs to nobody; see the Leases of processes. */
const expireMs = 15_000
/** A running helm may take its time to end. */
const stopMs = 660_000

/**
 * Takes Capstan out of a cluster and leaves every release as it is (ruling 12, W15): stops it, then takes its finalizers off all
 * HelmReleases and its intents out of all records, so that deleting HelmReleases, their definition or Capstan itself uninstalls nothing.
 * May be done again at any time. Throws `OtherWriter` when a Capstan goes on running that it cannot stop.
 */
export async function eject(deps: EjectDeps, signal: AbortSignal): Promise<Ejected> {
  await stopCapstan(deps, signal)
  return { finalizers: await takeFinalizersOff(deps, signal), intents: await takeIntentsOut(deps, signal) }
}

async function stopCapstan(deps: EjectDeps, signal: AbortSignal): Promise<void> {
  const { cluster, namespace, tell } = deps
  const labelSelector = 'app.kubernetes.io/name=capstan'
  const query = { apiVersion: 'apps/v1', kind: 'Deployment', namespace, labelSelector }
  for (const { metadata, spec } of await cluster.list(query, signal)) {
    if ((spec as { replicas?: number }).replicas === 0) continue
    await cluster.patch({ ...query, name: metadata.name }, { spec: { replicas: 0 } }, { signal })
    tell(`Deployment ${namespace}/${metadata.name} is scaled to 0`)
  }
  await untilNobodyRuns(deps, signal)
}

/** Leases say who runs, also outside the cluster. One that stands still for long enough is of a process that is gone. */
async function untilNobodyRuns({ cluster, namespace, pause, now }: EjectDeps, signal: AbortSignal): Promise<void> {
  const query = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    namespace,
    labelSelector: 'capstan.dev/lease=process',
  }
  const seen = new Map<string, { version: string; since: number }>()
  const begun = now()
  for (;;) {
    const alive = (await cluster.list(query, signal)).filter(({ metadata: { name, resourceVersion = '' } }) => {
      const before = seen.get(name)
      if (before?.version !== resourceVersion) seen.set(name, { version: resourceVersion, since: now() })
      return now() - (seen.get(name)?.since ?? now()) < expireMs
    })
    if (alive.length === 0) return
    if (now() - begun > stopMs) {
      const names = alive.map(({ metadata }) => metadata.name).join(', ')
      throw new AppError('OtherWriter', `Capstan still runs (Lease ${names} in ${namespace}): stop it and try again`)
    }
    await pause(lookMs, signal)
  }
}

async function takeFinalizersOff({ cluster, releaseNamespace, tell }: EjectDeps, signal: AbortSignal): Promise<number> {
  const { apiVersion, kind } = helmReleaseKind
  if (!(await cluster.resource(apiVersion, kind, signal))) return 0
  let count = 0
  const query = { ...helmReleaseKind, ...within(releaseNamespace), metadataOnly: true }
  for (const object of await cluster.list(query, signal)) {
    const { namespace = '', name, resourceVersion = '', finalizers = [] } = object.metadata
    if (!finalizers.includes(finalizer)) continue
    const others = finalizers.filter((one) => one !== finalizer)
    const patch = { metadata: { resourceVersion, finalizers: others } }
    if (await isStillThere(cluster.patch({ ...helmReleaseKind, namespace, name }, patch, { signal }))) {
      tell(`HelmRelease ${namespace}/${name} is free; its release stays`)
      count += 1
    }
  }
  return count
}

/** Gone since it was listed is as good; one that changed is taken by the next try of whoever asked. */
async function isStillThere(write: Promise<unknown>): Promise<boolean> {
  try {
    await write
    return true
  } catch (error) {
    if (toAppError(error).reason === 'ApplyRefused' && /not found/i.test(toAppError(error).message)) return false
    throw error
  }
}

async function takeIntentsOut({ cluster, releaseNamespace }: EjectDeps, signal: AbortSignal): Promise<number> {
  let count = 0
  const query = { apiVersion: 'v1', kind: 'ConfigMap', ...within(releaseNamespace), labelSelector: recordSelector() }
  for (const object of await cluster.list(query, signal)) {
    const without = withoutIntent(object)
    if (!without) continue
    await cluster.replace(without, signal)
    count += 1
  }
  return count
}

function within(namespace: string): { namespace?: string } {
  return namespace ? { namespace } : {}
}

function withoutIntent(object: KubeObject): KubeObject | undefined {
  const data = (object.data ?? {}) as Record<string, string>
  const record = parseRecord(data['record.json'])
  if (!record?.intent) return undefined
  const { intent: _over, ...rest } = record
  return { ...object, data: { ...data, 'record.json': JSON.stringify(rest) } }
}
