import type { Cluster } from '../adapters/cluster/index.ts'
import { healthOf } from '../domain/health/check.ts'
import { gcMarkLabel } from '../domain/manifest/annotations.ts'
import { gcMark } from '../domain/manifest/gc-mark.ts'
import { idOf, type KubeObject, refOf } from '../domain/manifest/object.ts'
import { isMadeBy } from '../domain/release/helm-owner.ts'
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

/** The unhealthy workloads of one source. */
export function unhealthyOfSource(spec: SourceSpec, workloads: Workloads): Unhealthy[] {
  return unhealthy(workloads.ofSources.filter(isOfSource(spec)))
}

/** The unhealthy workloads of one helm release, by the annotations that helm writes. */
export function unhealthyOfRelease(release: string, namespace: string, workloads: Workloads): Unhealthy[] {
  const of = { release, targetNamespace: namespace }
  return unhealthy(workloads.ofReleases.filter((object) => isMadeBy(object, of)))
}

function unhealthy(objects: readonly KubeObject[]): Unhealthy[] {
  const found: Unhealthy[] = []
  for (const object of objects) {
    const { state, why } = healthOf(object)
    if (state !== 'healthy') found.push({ id: idOf(refOf(object)), state, message: why })
  }
  return found.slice(0, shownUnhealthy)
}
