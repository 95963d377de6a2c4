import type { Cluster } from '../../adapters/cluster/index.ts'
import type { KubeObject } from '../../domain/manifest/object.ts'
import { parseRecord, recordName, recordSelector, type ReleaseRecord } from '../../domain/release/record.ts'
import { helmReleaseKind, readSpec } from '../../domain/release/spec.ts'
import type { Outcome } from '../../domain/work/job.ts'
import type { SyncReleaseDeps } from './deps.ts'
import { removeRelease } from './remove.ts'

/** A record, and the release that it is about. */
export type Recorded = { namespace: string; release: string; record: ReleaseRecord }

/** All records of a namespace, or of all. */
export async function listRecords(
  cluster: Pick<Cluster, 'list'>,
  namespace: string,
  signal: AbortSignal,
): Promise<Recorded[]> {
  const labelSelector = recordSelector()
  const query = { apiVersion: 'v1', kind: 'ConfigMap', labelSelector, ...(namespace ? { namespace } : {}) }
  return (await cluster.list(query, signal)).flatMap(({ metadata, data }) => {
    const record = parseRecord((data as Record<string, string> | undefined)?.['record.json'])
    const release = metadata.name.slice(recordName('').length)
    return record ? [{ namespace: metadata.namespace ?? '', release, record }] : []
  })
}

/**
 * Without a finalizer a HelmRelease is gone at once: what our records say was its release is uninstalled, under the same conditions as
 * with one (ruling 12).
 */
export async function removeOrphans(
  gone: { namespace: string; name: string },
  deps: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<Outcome> {
  const records = await listRecords(deps.cluster, deps.releaseNamespace, signal)
  const own = records.filter(
    ({ record: { owner, legacy } }) => !legacy && owner.namespace === gone.namespace && owner.name === gone.name,
  )
  let summary = 'it does not exist any more'
  for (const one of own) {
    const object = asItWas(one)
    const outcome = await removeRelease(object, readSpec(object, deps.defaults), deps, signal)
    if (outcome.end === 'again') return outcome
    summary = outcome.summary
  }
  return { end: 'done', summary }
}

function asItWas({ namespace, release, record: { owner, suspended } }: Recorded): KubeObject {
  const { uid, name } = owner
  const spec = { releaseName: release, targetNamespace: namespace, suspend: suspended === true }
  return { ...helmReleaseKind, metadata: { name, namespace: owner.namespace, uid }, spec }
}
