import pLimit from 'p-limit'
import { keyOf, type KubeObject, type ObjectRef, refOf } from '../domain/manifest/object.ts'
import { recordSelector } from '../domain/release/record.ts'
import { areSame, type Rest, revisionsOf } from '../domain/release/rest.ts'
import { helmReleaseKind, type ReleaseSpec, readSpec } from '../domain/release/spec.ts'
import { prepareChart } from './sync-release/chart.ts'
import type { SyncReleaseDeps } from './sync-release/deps.ts'
import { memoryOf } from './sync-release/memory.ts'
import { readRests } from './sync-release/rest.ts'
import { revisionPrefix } from './sync-release/revisions.ts'
import { withRights } from './sync-release/rights.ts'

/** A chart that cannot be had within this time is left to the run of its release, which says so. */
const chartMs = 5_000
/** Charts that are asked for at the same time. */
const chartsAtOnce = 8
/** With more names than this of one kind in one namespace a list of that namespace costs less. */
const mostSingle = 8

type Resting = { object: KubeObject; spec: ReleaseSpec; rest: Rest }

/**
 * Those of these HelmReleases for which everything that their last run had read is still the same: the HelmRelease, helm's revisions, our
 * record, ConfigMaps and Secrets with values, and the chart. A run would find nothing to do. Reads a few lists for all of them together;
 * where something cannot be read, the release is not among them. Where some were resting the last time, the lists are read while
 * `listing` still is.
 */
export async function findResting(
  listing: Promise<readonly KubeObject[]>,
  deps: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<readonly KubeObject[]> {
  const { rests } = deps
  if (!rests) return []
  const memory = memoryOf(deps)
  const early = memory.wereResting ? listOwned(deps, signal) : undefined
  // it is told where it is waited for
  early?.catch(() => undefined)
  const objects = await listing
  const known = await readRests(objects, rests)
  const resting = objects.flatMap((object, n): Resting[] => {
    const rest = known[n]
    const isOurs = rest?.settings === rests.settings && rest.objects[keyOfRelease(object)] === versionOf(object)
    return isOurs ? [{ object, rest, spec: readSpec(object, deps.defaults) }] : []
  })
  memory.wereResting = resting.length > 0
  if (resting.length === 0) return []
  try {
    const owned = await (early ?? listOwned(deps, signal))
    return (await withSameCharts(await withSameObjects(resting, owned, deps, signal), deps, signal)).map(
      ({ object }) => object,
    )
  } catch (error) {
    signal.throwIfAborted()
    deps.log.debug({ error: String(error) }, 'all releases are looked at, one by one')
    return []
  }
}

type Owned = { secrets: readonly KubeObject[]; records: readonly KubeObject[] }

/** helm's Secrets that are not history, and our records. */
async function listOwned({ cluster, releaseNamespace }: SyncReleaseDeps, signal: AbortSignal): Promise<Owned> {
  const scope = { apiVersion: 'v1', metadataOnly: true, ...(releaseNamespace ? { namespace: releaseNamespace } : {}) }
  const labelSelector = recordSelector()
  const [secrets, records] = await Promise.all([
    cluster.list({ ...scope, kind: 'Secret', labelSelector: 'owner=helm,status!=superseded' }, signal),
    cluster.list({ ...scope, kind: 'ConfigMap', labelSelector }, signal),
  ])
  return { secrets, records }
}

async function withSameObjects(
  resting: readonly Resting[],
  { secrets, records }: Owned,
  { cluster, releaseNamespace }: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<readonly Resting[]> {
  const now = new Map([...secrets, ...records].map(versioned))
  for (const { object } of resting) now.set(keyOfRelease(object), versionOf(object))
  const others = new Set(resting.flatMap(({ rest }) => Object.keys(rest.objects).filter((key) => !now.has(key))))
  for (const key of others) {
    // what the list of helm's Secrets does not have is not there, or is not the newest any more
    if (isInScope(key, releaseNamespace) && key.includes(`/${revisionPrefix}`)) now.set(key, '')
  }
  const unknown = [...others].filter((key) => !now.has(key))
  for (const [key, version] of await readVersions(unknown, cluster, signal)) now.set(key, version)
  const revisions = Map.groupBy(secrets, ({ metadata }) => `${metadata.namespace}/${metadata.labels?.name}`)
  return resting.filter(
    ({ spec, rest }) =>
      areSame(rest.objects, now) &&
      (rest.revisions === '' ||
        revisionsOf(revisions.get(`${spec.targetNamespace}/${spec.release}`) ?? []) === rest.revisions),
  )
}

function isInScope(key: string, namespace: string): boolean {
  return namespace === '' || refFrom(key).namespace === namespace
}

function versioned(object: KubeObject): [string, string] {
  return [keyOf(refOf(object)), versionOf(object)]
}

function keyOfRelease({ metadata: { namespace = '', name } }: KubeObject): string {
  return keyOf({ ...helmReleaseKind, namespace, name })
}

function versionOf({ metadata }: KubeObject): string {
  return metadata.resourceVersion ?? ''
}

/** The versions of objects of the core group now; empty for what is not there. */
async function readVersions(
  keys: readonly string[],
  cluster: SyncReleaseDeps['cluster'],
  signal: AbortSignal,
): Promise<[string, string][]> {
  const places = Map.groupBy(keys.map(refFrom), ({ kind, namespace }) => `${kind} ${namespace}`)
  const read = [...places.values()].map(async (refs): Promise<[string, string][]> => {
    const [first] = refs
    if (first && refs.length > mostSingle) {
      const { apiVersion, kind, namespace } = first
      const there = new Map(
        (await cluster.list({ apiVersion, kind, namespace, metadataOnly: true }, signal)).map(versioned),
      )
      return refs.map((ref) => [keyOf(ref), there.get(keyOf(ref)) ?? ''])
    }
    return await Promise.all(
      refs.map(async (ref) => {
        const found = await cluster.get(ref, { metadataOnly: true, signal })
        return [keyOf(ref), found ? versionOf(found) : ''] as [string, string]
      }),
    )
  })
  return (await Promise.all(read)).flat()
}

function refFrom(key: string): ObjectRef & { namespace: string } {
  const [, kind = '', namespace = '', name = ''] = key.split('/')
  return { apiVersion: 'v1', kind, namespace, name }
}

/** Each chart is asked for once for all releases that want it in the same way. */
async function withSameCharts(
  resting: readonly Resting[],
  deps: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<readonly Resting[]> {
  const limit = pLimit(chartsAtOnce)
  const groups = [...Map.groupBy(resting, ({ spec }) => chartKey(spec)).values()]
  const same = await Promise.all(
    groups.map((group) =>
      limit(async () => {
        const [first] = group
        const digest = first && (await digestOf(first.spec, deps, signal))
        return group.filter(({ rest }) => rest.chart === digest)
      }),
    ),
  )
  return same.flat()
}

function chartKey({ chart, namespace, serviceAccount }: ReleaseSpec): string {
  return JSON.stringify([chart, serviceAccount && `${namespace}/${serviceAccount}`])
}

async function digestOf(spec: ReleaseSpec, deps: SyncReleaseDeps, signal: AbortSignal): Promise<string | undefined> {
  try {
    const within = AbortSignal.any([signal, AbortSignal.timeout(chartMs)])
    return (await prepareChart(spec, withRights(spec, deps), within)).digest
  } catch {
    signal.throwIfAborted()
    return undefined
  }
}
