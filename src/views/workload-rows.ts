import type { Cluster } from '../adapters/cluster/index.ts'
import type { Store } from '../adapters/store/index.ts'
import { type Rollout, rolloutOf } from '../domain/health/rollout.ts'
import { locateImages } from '../domain/image/locate.ts'
import type { ImageRef } from '../domain/image/ref.ts'
import { isAddOn } from '../domain/image/workload.ts'
import { gcMarkLabel, type Policies, readPolicies } from '../domain/manifest/annotations.ts'
import { gcMark } from '../domain/manifest/gc-mark.ts'
import type { ObjectId } from '../domain/manifest/object-id.ts'
import { idOf, type KubeObject, refOf } from '../domain/manifest/object.ts'
import { antecedentAnnotation } from '../domain/release/ownership.ts'
import { helmReleaseKind } from '../domain/release/spec.ts'
import { type Applied, appliedKey, parseApplied } from '../domain/source/applied.ts'
import type { SourceSpec } from '../domain/source/spec.ts'
import type { SourceStatus } from '../domain/source/status.ts'
import { syncSetOf } from '../domain/source/sync-set.ts'
import { within } from './cached.ts'

/** A workload as it runs, with what git says of it. */
export type WorkloadRow = {
  id: string
  object: KubeObject
  /** As the cluster runs them. */
  containers: { name: string; image: ImageRef }[]
  rollout: Rollout
  /** Why the last sync could not apply it; empty when it could. */
  syncError: string
  /** ID of the HelmRelease that made it; empty for none. */
  antecedent: string
  /** Whose it is; undefined for what is not in git. */
  source: SourceSpec | undefined
  /** As git has them at the revision that is applied; empty for what is not in git. */
  policies: Policies
}

/** Which workloads: of a namespace (all of them when it is empty), or these. */
export type WorkloadQuery = { namespace: string } | { ids: readonly ObjectId[] }

export type WorkloadReader = {
  /** Workloads in the namespaces that sources may touch, by ID; the cluster's own add-ons are left out. */
  rows(query: WorkloadQuery): Promise<WorkloadRow[]>
  /** The objects themselves, and those of their namespaces in front of them. */
  objects(): Promise<KubeObject[]>
}

const timeoutMs = 20_000
const kinds = [
  { apiVersion: 'apps/v1', kind: 'Deployment' },
  { apiVersion: 'apps/v1', kind: 'DaemonSet' },
  { apiVersion: 'apps/v1', kind: 'StatefulSet' },
  { apiVersion: 'batch/v1', kind: 'CronJob' },
  helmReleaseKind,
]

/** Reads the live workloads of all kinds that have images (flux-v1 §23). */
export function createWorkloadReader(parts: {
  cluster: Pick<Cluster, 'get' | 'list' | 'resource'>
  store: Pick<Store, 'get'>
  sources: () => readonly SourceSpec[]
  statusOf: (spec: SourceSpec) => Promise<Pick<SourceStatus, 'failed'> | undefined>
}): WorkloadReader {
  const { cluster, store, sources } = parts

  async function listIn(namespace: string, signal: AbortSignal): Promise<KubeObject[]> {
    const served = await Promise.all(kinds.map(({ apiVersion, kind }) => cluster.resource(apiVersion, kind, signal)))
    const wanted = kinds.filter((_kind, index) => served[index])
    const lists = await Promise.all(
      wanted.map((kind) => cluster.list({ ...kind, ...(namespace ? { namespace } : {}) }, signal)),
    )
    return lists.flat().filter((object) => !isAddOn(object))
  }

  async function readObjects(query: WorkloadQuery, signal: AbortSignal): Promise<KubeObject[]> {
    if ('ids' in query) return await readSome(query.ids, signal)
    const allowed = allowedNamespaces(sources())
    if (query.namespace !== '' && allowed.length > 0 && !allowed.includes(query.namespace)) return []
    const namespaces = query.namespace !== '' ? [query.namespace] : allowed.length > 0 ? allowed : ['']
    return (await Promise.all(namespaces.map((namespace) => listIn(namespace, signal)))).flat()
  }

  async function readSome(ids: readonly ObjectId[], signal: AbortSignal): Promise<KubeObject[]> {
    const allowed = allowedNamespaces(sources())
    const refs = ids.filter(({ namespace }) => allowed.length === 0 || allowed.includes(namespace))
    const found = await Promise.all(
      refs.map(async ({ kind, namespace, name }) => {
        const known = kinds.find((one) => one.kind.toLowerCase() === kind)
        return known && (await cluster.get({ ...known, namespace, name }, { signal }))
      }),
    )
    return found.filter((object) => object !== undefined && !isAddOn(object)) as KubeObject[]
  }

  async function factsOf(spec: SourceSpec): Promise<SourceFacts> {
    const [applied, status] = await Promise.all([
      store.get(appliedKey(spec.namespace, spec.name)).then(parseApplied, () => undefined),
      parts.statusOf(spec),
    ])
    return { spec, syncSet: syncSetOf(spec), applied, failed: status?.failed ?? [] }
  }

  return {
    async rows(query) {
      const [objects, facts] = await Promise.all([
        within(timeoutMs, (signal) => readObjects(query, signal)),
        Promise.all(sources().map(factsOf)),
      ])
      return objects.map((object) => rowOf(object, facts)).toSorted((a, b) => (a.id < b.id ? -1 : 1))
    },
    async objects() {
      return await within(timeoutMs, async (signal) => {
        const objects = await readObjects({ namespace: '' }, signal)
        const names = new Set(objects.map(({ metadata }) => metadata.namespace ?? ''))
        const namespaces = await Promise.all(
          [...names].map((name) => cluster.get({ apiVersion: 'v1', kind: 'Namespace', name }, { signal })),
        )
        const byId = (a: KubeObject, b: KubeObject) => (idOf(refOf(a)) < idOf(refOf(b)) ? -1 : 1)
        return [...namespaces.filter((one) => one !== undefined).toSorted(byId), ...objects.toSorted(byId)]
      })
    },
  }
}

type SourceFacts = {
  spec: SourceSpec
  syncSet: string
  applied: Applied | undefined
  failed: SourceStatus['failed']
}

function rowOf(object: KubeObject, sources: readonly SourceFacts[]): WorkloadRow {
  const ref = refOf(object)
  const id = idOf(ref)
  const { labels, annotations } = object.metadata
  const mark = labels?.[gcMarkLabel]
  const home =
    mark === undefined
      ? sources.find(({ applied }) => applied?.policies[id])
      : sources.find(({ syncSet }) => gcMark(syncSet, ref) === mark)
  return {
    id,
    object,
    containers: (locateImages(object) ?? []).map(({ name, image }) => ({ name, image })),
    rollout: rolloutOf(object),
    syncError: sources.flatMap(({ failed }) => failed).find((one) => one.id === id)?.message ?? '',
    antecedent: annotations?.[antecedentAnnotation] ?? '',
    source: home?.spec,
    policies: policiesOf(home, { id, annotations }),
  }
}

/** What is in git counts; where that was forgotten, what git has left on the object. */
function policiesOf(
  home: SourceFacts | undefined,
  { id, annotations }: { id: string; annotations: Record<string, string> | undefined },
): Policies {
  if (!home) return new Map()
  return home.applied ? new Map(Object.entries(home.applied.policies[id] ?? {})) : readPolicies(annotations)
}

/** Empty means all. */
function allowedNamespaces(sources: readonly SourceSpec[]): string[] {
  if (sources.some(({ allowedNamespaces: allowed }) => allowed.length === 0)) return []
  return [...new Set(sources.flatMap(({ allowedNamespaces: allowed }) => allowed))]
}
