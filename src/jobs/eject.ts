import type { Cluster, ListQuery } from '../adapters/cluster/index.ts'
import { AppError, toAppError } from '../domain/error.ts'
import type { KubeObject } from '../domain/manifest/object.ts'
import { labelsOf, parseRecord, type ReleaseRecord, recordSelector } from '../domain/release/record.ts'
import { helmReleaseKind, readSpec } from '../domain/release/spec.ts'
import { mapOf } from '../lib/raw.ts'
import { deploymentQuery, isScaledDown, leaseQuery, type LookDeps, watchLeases } from './running-capstan.ts'
import { finalizer } from './sync-release/finalizer.ts'

export type EjectDeps = LookDeps & { cluster: Pick<Cluster, 'list' | 'patch' | 'replace' | 'resource'> }

/** What was taken off. */
export type Ejected = { finalizers: number; intents: number }

const lookMs = 500
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
  const query = deploymentQuery(namespace)
  for (const object of await cluster.list(query, signal)) {
    if (isScaledDown(object)) continue
    const { apiVersion, kind } = query
    const { name } = object.metadata
    await cluster.patch({ apiVersion, kind, namespace, name }, { spec: { replicas: 0 } }, { signal })
    tell(`Deployment ${namespace}/${name} is scaled to 0`)
  }
  await untilNobodyRuns(deps, signal)
}

async function untilNobodyRuns({ cluster, namespace, pause, now }: EjectDeps, signal: AbortSignal): Promise<void> {
  const aliveIn = watchLeases(now)
  const begun = now()
  for (;;) {
    const alive = aliveIn(await cluster.list(leaseQuery(namespace), signal))
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

async function takeIntentsOut(deps: EjectDeps, signal: AbortSignal): Promise<number> {
  const { cluster, releaseNamespace } = deps
  let count = 0
  for (const object of await listRecords(deps, signal)) {
    const record = parseRecord((object.data as Record<string, string> | undefined)?.['record.json'])
    if (!record?.intent || (releaseNamespace && record.owner.namespace !== releaseNamespace)) continue
    await cluster.replace(withoutIntent(object, record), signal)
    count += 1
  }
  return count
}

/** A record is where its release is, which may be another namespace than that of the HelmRelease. */
async function listRecords(deps: EjectDeps, signal: AbortSignal): Promise<KubeObject[]> {
  const { cluster, releaseNamespace, tell } = deps
  const query = { apiVersion: 'v1', kind: 'ConfigMap', labelSelector: recordSelector() }
  const everywhere = await listIfAllowed(query, deps, signal)
  if (everywhere) return everywhere
  if (!releaseNamespace) return await cluster.list(query, signal)
  const records = await cluster.list({ ...query, namespace: releaseNamespace }, signal)
  for (const namespace of await targetsOf(deps, signal)) {
    const found = await listIfAllowed({ ...query, namespace }, deps, signal)
    if (!found) tell(`Records in ${namespace} may not be read: what Capstan was about to do there is not forgotten`)
    records.push(...(found ?? []))
  }
  return records
}

/** Other namespaces in which the HelmReleases have their releases. */
async function targetsOf({ cluster, releaseNamespace }: EjectDeps, signal: AbortSignal): Promise<Set<string>> {
  const { apiVersion, kind } = helmReleaseKind
  if (!(await cluster.resource(apiVersion, kind, signal))) return new Set()
  const objects = await cluster.list({ ...helmReleaseKind, namespace: releaseNamespace }, signal)
  const defaults = { gitRef: '', updateDependencies: false }
  const targets = new Set(objects.map((object) => readSpec(object, defaults).targetNamespace))
  targets.delete(releaseNamespace)
  return targets
}

async function listIfAllowed(
  query: ListQuery,
  { cluster }: EjectDeps,
  signal: AbortSignal,
): Promise<KubeObject[] | undefined> {
  try {
    return await cluster.list(query, signal)
  } catch (error) {
    if (toAppError(error).reason === 'Forbidden') return undefined
    throw error
  }
}

function within(namespace: string): { namespace?: string } {
  return namespace ? { namespace } : {}
}

function withoutIntent(object: KubeObject, { intent: _over, ...rest }: ReleaseRecord): KubeObject {
  const metadata = { ...object.metadata, labels: labelsOf(rest) }
  return { ...object, metadata, data: { ...mapOf(object.data), 'record.json': JSON.stringify(rest) } }
}
