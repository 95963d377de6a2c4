import type { Cluster } from '../../adapters/cluster/index.ts'
import type { KubeObject } from '../../domain/manifest/object.ts'
import {
  beginningSelector,
  parseRecord,
  recordName,
  recordSelector,
  type ReleaseRecord,
} from '../../domain/release/record.ts'
import { helmReleaseKind, readSpec } from '../../domain/release/spec.ts'
import type { Outcome } from '../../domain/work/job.ts'
import type { SyncReleaseDeps } from './deps.ts'
import { listWhereAllowed } from './list-where-allowed.ts'
import { doAlone, memoryOf } from './memory.ts'
import { leaveHeld, removeRelease } from './remove.ts'
import { withRights } from './rights.ts'

const unproved = 'with --tenants only a HelmRelease that is still there proves whose release of another namespace it is'

/** A record, and the release that it is about. */
export type Recorded = { namespace: string; release: string; record: ReleaseRecord }

/** Why a HelmRelease is asked for that was deleted and made again while its old release is still there. */
export const anewReason = 'the HelmRelease was deleted and made again'

type Where = {
  cluster: Pick<Cluster, 'list'>
  releaseNamespace: string
  /** HelmReleases are kept by one, from the end of their first install on. */
  finalizer: boolean
}

/**
 * The records of HelmReleases that may go without being kept: with a finalizer those that are held or whose first install is not over,
 * else all that are served, those of `releaseNamespace` or all. A record lies where its release goes, which may be another namespace;
 * where we may look in none but that one, records of others are not found.
 */
export async function listUnkept(
  { cluster, releaseNamespace, finalizer }: Where,
  signal: AbortSignal,
): Promise<Recorded[]> {
  const records = { apiVersion: 'v1', kind: 'ConfigMap' }
  const query = finalizer
    ? { ...records, labelSelector: beginningSelector(), mayBeOld: true }
    : { ...records, labelSelector: recordSelector() }
  const found = await (releaseNamespace === ''
    ? cluster.list(query, signal)
    : listWhereAllowed(query, [releaseNamespace], { cluster }, signal))
  return found.flatMap(({ metadata, data }) => {
    const record = parseRecord((data as Record<string, string> | undefined)?.['record.json'])
    const release = metadata.name.slice(recordName('').length)
    const isServed = releaseNamespace === '' || record?.owner.namespace === releaseNamespace
    return record && isServed ? [{ namespace: metadata.namespace ?? '', release, record }] : []
  })
}

/**
 * Without a finalizer a HelmRelease is gone at once: what our records say was its release is uninstalled, under the same conditions as with
 * one (ruling 12), and with the rights of the account that it had. `now`: the HelmRelease that has its name since. Of strangers
 * (`--tenants`) only what lies beside their HelmRelease: whoever may write a record elsewhere could have anything uninstalled with the
 * rights of an account of theirs. Undefined where there was none.
 */
export async function removeOrphans(
  gone: { namespace: string; name: string; now?: { uid: string; key: string } },
  deps: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<Outcome | undefined> {
  const records = await listUnkept(deps, signal)
  const own = records.filter(
    ({ namespace, release, record: { owner, legacy } }) =>
      !legacy &&
      owner.namespace === gone.namespace &&
      owner.name === gone.name &&
      owner.uid !== gone.now?.uid &&
      `${namespace}/${release}` !== gone.now?.key,
  )
  let summary: string | undefined
  for (const one of own) {
    if (deps.areTenants && one.namespace !== gone.namespace) {
      summary = `release ${one.release} in ${one.namespace} is left as it is: ${unproved}`
      deps.log.warn({ release: `${gone.namespace}/${gone.name}` }, summary)
      continue
    }
    const object = asItWas(one)
    const spec = readSpec(object, deps.defaults)
    const end = one.record.held ? leaveHeld : removeRelease
    const over = async () => await end(object, spec, withRights(spec, deps), signal)
    const outcome = await doAlone(`${one.namespace}/${one.release}`, memoryOf(deps), over)
    if (outcome.end === 'again') return outcome
    summary = outcome.summary
  }
  return summary === undefined ? undefined : { end: 'done', summary }
}

function asItWas({ namespace, release, record: { owner, suspended, account } }: Recorded): KubeObject {
  const { uid, name } = owner
  const spec = {
    releaseName: release,
    targetNamespace: namespace,
    suspend: suspended === true,
    serviceAccountName: account,
  }
  return { ...helmReleaseKind, metadata: { name, namespace: owner.namespace, uid }, spec }
}
