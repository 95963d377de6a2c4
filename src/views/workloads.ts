import type { Cluster } from '../adapters/cluster/index.ts'
import { healthOf } from '../domain/health/check.ts'
import { gcMarkLabel } from '../domain/manifest/annotations.ts'
import { gcMark } from '../domain/manifest/gc-mark.ts'
import { idOf, type KubeObject, refOf } from '../domain/manifest/object.ts'
import { releaseOf } from '../domain/release/helm-owner.ts'
import type { SourceSpec } from '../domain/source/spec.ts'
import { syncSetOf } from '../domain/source/sync-set.ts'

/** A workload that is not healthy, for people. */
export type Unhealthy = { id: string; state: 'progressing' | 'failed'; message: string }

/** Live workloads that a source or a helm release made. */
export type Workloads = { ofSources: KubeObject[]; ofReleases: KubeObject[] }

const workloadKinds = [
  { apiVersion: 'apps/v1', kind: 'Deployment' },
  { apiVersion: 'apps/v1', kind: 'StatefulSet' },
  { apiVersion: 'apps/v1', kind: 'DaemonSet' },
  { apiVersion: 'batch/v1', kind: 'Job' },
]
const shownUnhealthy = 20

/** Workloads that carry our mark or helm's label; nothing else of the cluster is read. */
export async function readWorkloads(cluster: Pick<Cluster, 'list'>, signal: AbortSignal): Promise<Workloads> {
  const [ofSources, ofReleases] = await Promise.all([
    listAll(cluster, { labelSelector: gcMarkLabel }, signal),
    listAll(cluster, { labelSelector: madeByHelm }, signal),
  ])
  return { ofSources, ofReleases }
}

/** Live workloads that helm made in one namespace. */
export async function readMadeByHelm(
  cluster: Pick<Cluster, 'list'>,
  namespace: string,
  signal: AbortSignal,
): Promise<KubeObject[]> {
  return await listAll(cluster, { namespace, labelSelector: madeByHelm }, signal)
}

const madeByHelm = 'app.kubernetes.io/managed-by=Helm'

async function listAll(
  cluster: Pick<Cluster, 'list'>,
  query: { namespace?: string; labelSelector: string },
  signal: AbortSignal,
): Promise<KubeObject[]> {
  return (await Promise.all(workloadKinds.map((kind) => cluster.list({ ...kind, ...query }, signal)))).flat()
}

/** True for an object that carries the very mark of a source. */
export function isOfSource(spec: SourceSpec): (object: KubeObject) => boolean {
  const set = syncSetOf(spec)
  return (object) => object.metadata.labels?.[gcMarkLabel] === gcMark(set, refOf(object))
}

/** What was found out about a reading, for as long as it is there: many rows are made of one. */
const known = new WeakMap<Workloads, Index>()

type Index = {
  /** Of all sources: few, while whose each workload is takes a hash to find out. */
  unhealthy: readonly KubeObject[]
  ofSource: Map<string, Unhealthy[]>
  ofRelease: Map<string, KubeObject[]>
}

/** The unhealthy workloads of one source. */
export function unhealthyOfSource(spec: SourceSpec, workloads: Workloads): Unhealthy[] {
  const { ofSource, unhealthy: all } = indexOf(workloads)
  const set = syncSetOf(spec)
  const found = ofSource.get(set) ?? unhealthy(all.filter(isOfSource(spec)))
  ofSource.set(set, found)
  return found
}

/** The unhealthy workloads of one helm release, by the annotations that helm writes. */
export function unhealthyOfRelease(release: string, namespace: string, workloads: Workloads): Unhealthy[] {
  return unhealthy(indexOf(workloads).ofRelease.get(`${namespace}/${release}`) ?? [])
}

function indexOf(workloads: Workloads): Index {
  const before = known.get(workloads)
  if (before) return before
  const ofRelease = new Map<string, KubeObject[]>()
  for (const object of workloads.ofReleases) {
    const { release, targetNamespace } = releaseOf(object) ?? {}
    if (release === undefined) continue
    const key = `${targetNamespace}/${release}`
    const list = ofRelease.get(key)
    if (list) list.push(object)
    else ofRelease.set(key, [object])
  }
  const unhealthy = workloads.ofSources.filter((object) => healthOf(object).state !== 'healthy')
  const index = { unhealthy, ofSource: new Map<string, Unhealthy[]>(), ofRelease }
  known.set(workloads, index)
  return index
}

function unhealthy(objects: readonly KubeObject[]): Unhealthy[] {
  const found: Unhealthy[] = []
  for (const object of objects) {
    const { state, why } = healthOf(object)
    if (state !== 'healthy') found.push({ id: idOf(refOf(object)), state, message: why })
  }
  return found.slice(0, shownUnhealthy)
}
