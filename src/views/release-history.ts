import type { KubeObject } from '../domain/manifest/object.ts'
import type { StoredSummary } from '../adapters/helm/index.ts'
import { helmReleaseKind } from '../domain/release/spec.ts'
import { releaseTarget } from './release-row.ts'
import type { ViewsOptions } from './views-options.ts'

/** One revision that helm stored, as people and programs see it. */
export type RevisionRow = StoredSummary & { revision: number; state: string }
export type ReleaseHistory = { release: string; revisions: RevisionRow[] }

const longestMs = 20_000
const unread: StoredSummary = { chart: '', appVersion: '', updatedAt: '', description: '' }

/** What helm stored of a release, newest first; undefined when there is no such HelmRelease. */
export async function readHistory(
  namespace: string,
  name: string,
  { cluster, summarise }: Pick<ViewsOptions, 'cluster' | 'summarise'>,
): Promise<ReleaseHistory | undefined> {
  const signal = AbortSignal.timeout(longestMs)
  const object = await cluster.get({ ...helmReleaseKind, namespace, name }, { signal })
  if (!object) return undefined
  const target = releaseTarget(object)
  const labelSelector = `owner=helm,name=${target.release}`
  const secrets = await cluster.list(
    { apiVersion: 'v1', kind: 'Secret', namespace: target.namespace, labelSelector },
    signal,
  )
  const revisions = secrets.map((secret) => ({ ...(summarise?.(secret) ?? unread), ...labelsOf(secret) }))
  return { release: target.release, revisions: revisions.toSorted((a, b) => b.revision - a.revision) }
}

function labelsOf({ metadata: { labels = {} } }: KubeObject): Pick<RevisionRow, 'revision' | 'state'> {
  return { revision: Number(labels.version) || 0, state: labels.status ?? 'unknown' }
}
