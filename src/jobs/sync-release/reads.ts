import { keyOf, type ObjectRef } from '../../domain/manifest/object.ts'
import { helmReleaseKind } from '../../domain/release/spec.ts'
import { type Rest, revisionsOf } from '../../domain/release/rest.ts'
import type { SyncReleaseDeps } from './deps.ts'

type Cluster = SyncReleaseDeps['cluster']

/** What one run read of the cluster. */
export type Reads = {
  /** The same cluster; what goes through it is noted. */
  cluster: Cluster
  /** What was read, when that can be looked up again for many releases at once, and when the run wrote nothing. */
  noted(): Pick<Rest, 'objects' | 'revisions'> | undefined
}

/** Kinds whose versions {@link Rest} can hold. What the definition says concerns only how a status is written. */
const comparable = new Set(['v1 ConfigMap', 'v1 Secret', `${helmReleaseKind.apiVersion} ${helmReleaseKind.kind}`])
const ignored = new Set(['CustomResourceDefinition'])

/** Notes what a run reads, under which version, and whether it writes. */
export function noteReads(cluster: Cluster): Reads {
  const objects = new Map<string, string>()
  let revisions = ''
  let isWhole = true

  function note(ref: ObjectRef, version: string): void {
    if (ignored.has(ref.kind)) return
    const id = keyOf(ref)
    if (!comparable.has(`${ref.apiVersion} ${ref.kind}`) || (objects.get(id) ?? version) !== version) isWhole = false
    objects.set(id, version)
  }

  function over(base: Cluster): Cluster {
    const writing = <A extends unknown[], R>(write: (...given: A) => Promise<R>) => {
      return async (...given: A): Promise<R> => {
        isWhole = false
        return await write(...given)
      }
    }
    return {
      resource: base.resource,
      podLog: base.podLog,
      async get(ref, options) {
        const found = await base.get(ref, options)
        note(ref, found?.metadata.resourceVersion ?? '')
        return found
      },
      async list(query, signal) {
        const found = await base.list(query, signal)
        const isRevisions = query.kind === 'Secret' && query.labelSelector?.startsWith('owner=helm,') === true
        const digest = isRevisions ? revisionsOf(found) : ''
        if (!isRevisions || (revisions !== '' && revisions !== digest)) isWhole = false
        revisions = digest
        return found
      },
      create: writing(base.create),
      replace: writing(base.replace),
      patch: writing(base.patch),
      delete: writing(base.delete),
      apply: writing(base.apply),
      as(account) {
        const theirs = base.as(account)
        return { ...theirs, ...over(theirs) }
      },
    }
  }

  return {
    cluster: over(cluster),
    noted: () => (isWhole ? { objects: Object.fromEntries(objects), revisions } : undefined),
  }
}
