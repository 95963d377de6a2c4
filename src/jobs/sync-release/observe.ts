import type { KubeObject } from '../../domain/manifest/object.ts'
import { parseRecord, type ReleaseRecord, recordLabels, recordName } from '../../domain/release/record.ts'
import { helmReleaseKind, type ReleaseSpec } from '../../domain/release/spec.ts'
import type { HelmState, ReleaseFacts, StoredRevision } from '../../domain/release/state.ts'
import { canonicalJson, type Values } from '../../domain/release/values.ts'
import type { SyncReleaseDeps } from './deps.ts'
import type { PreparedChart } from './prepare.ts'

/** Our record with the version under which it was read. */
export type StoredRecord = { record: ReleaseRecord | undefined; resourceVersion: string }

/** What helm stored, from the labels of its Secrets alone (helm-operator §3.4). Oldest first. */
export async function readRevisions(
  spec: ReleaseSpec,
  deps: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<StoredRevision[]> {
  const labelSelector = `owner=helm,name=${spec.release}`
  const query = { apiVersion: 'v1', kind: 'Secret', namespace: spec.targetNamespace, labelSelector, metadataOnly: true }
  const secrets = await deps.cluster.list(query, signal)
  return secrets
    .map(({ metadata: { labels } }) => ({
      revision: Number(labels?.version),
      state: (labels?.status ?? 'unknown') as HelmState,
    }))
    .filter(({ revision }) => Number.isInteger(revision))
    .sort((a, b) => a.revision - b.revision)
}

export async function readRecord(spec: ReleaseSpec, deps: SyncReleaseDeps, signal: AbortSignal): Promise<StoredRecord> {
  const found = await deps.cluster.get(recordRef(spec), { signal })
  const record = parseRecord((found?.data as Record<string, string> | undefined)?.['record.json'])
  return { record, resourceVersion: found?.metadata.resourceVersion ?? '' }
}

/** Writes the record under the version that was read: somebody else's write in between ends this run (law 4). */
export async function writeRecord(
  spec: ReleaseSpec,
  stored: StoredRecord,
  record: ReleaseRecord,
  deps: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<StoredRecord> {
  if (JSON.stringify(record) === JSON.stringify(stored.record)) return stored
  deps.fence.check()
  const { name, namespace } = recordRef(spec)
  const object: KubeObject = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, labels: { ...recordLabels } },
    data: { 'record.json': JSON.stringify(record) },
  }
  if (stored.resourceVersion !== '') object.metadata.resourceVersion = stored.resourceVersion
  const written = await (stored.resourceVersion === ''
    ? deps.cluster.create(object, signal)
    : deps.cluster.replace(object, signal))
  return { record, resourceVersion: written.metadata.resourceVersion ?? '' }
}

export function recordRef(spec: ReleaseSpec) {
  return { apiVersion: 'v1', kind: 'ConfigMap', namespace: spec.targetNamespace, name: recordName(spec.release) }
}

export type Wanted = { chart: PreparedChart; values: Values; digest: string }

/** The facts that the decision needs; what is dear is read only where it matters. */
export async function observe(
  spec: ReleaseSpec,
  stored: StoredRecord,
  wanted: Wanted,
  deps: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<ReleaseFacts> {
  const revisions = await readRevisions(spec, deps, signal)
  const { record } = stored
  const latest = revisions.at(-1)
  const isPending = latest?.state.startsWith('pending-') || latest?.state === 'uninstalling'
  const intentIsDead = isPending && record?.intent ? await isDead(record.intent.epoch, deps) : false
  const isFirstContact = latest?.state === 'deployed' && !record?.applied
  return {
    revisions,
    record,
    uid: spec.uid,
    wanted: { chart: wanted.chart.digest, values: wanted.digest },
    intentIsDead,
    storedIsWanted: isFirstContact ? await isStored(spec, latest.revision, wanted, deps, signal) : false,
    ownedByOther: record !== undefined && record.owner.uid !== spec.uid && (await ownerLives(record, deps, signal)),
  }
}

/** Our own epoch counts as dead here: one job per release runs at a time, so an intent of ours is of a run that ended. */
async function isDead(epoch: string, { fence }: SyncReleaseDeps): Promise<boolean> {
  return epoch === fence.epoch || (await fence.isDead(epoch))
}

async function ownerLives({ owner }: ReleaseRecord, deps: SyncReleaseDeps, signal: AbortSignal): Promise<boolean> {
  const { namespace, name, uid } = owner
  const found = await deps.cluster.get({ ...helmReleaseKind, namespace, name }, { metadataOnly: true, signal })
  return found?.metadata.uid === uid
}

/** First contact: is what helm stored the same chart and the same values? Then it is adopted without a new revision. */
async function isStored(
  spec: ReleaseSpec,
  revision: number,
  wanted: Wanted,
  deps: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<boolean> {
  const name = `sh.helm.release.v1.${spec.release}.v${revision}`
  const secret = await deps.cluster.get(
    { apiVersion: 'v1', kind: 'Secret', namespace: spec.targetNamespace, name },
    { signal },
  )
  const release = secret && deps.decode(secret)
  if (!release || release.chartName !== wanted.chart.name || release.chartVersion !== wanted.chart.version) return false
  if (canonicalJson(release.config) !== canonicalJson(wanted.values)) return false
  for (const [template, content] of release.templates) {
    if ((await deps.charts.readFile(wanted.chart, template)) !== content) return false
  }
  return true
}
