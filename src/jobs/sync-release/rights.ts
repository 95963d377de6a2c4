import type { ReleaseSpec } from '../../domain/release/spec.ts'
import type { SyncReleaseDeps } from './deps.ts'

/** What stays ours: the HelmRelease itself, what we tell about it, and whether its surroundings are going. */
const ours = new Set(['HelmRelease', 'Event', 'CustomResourceDefinition'])
/** Who may do nothing in a namespace may still be told whether it is going. */
const oursToRead = new Set([...ours, 'Namespace'])

/**
 * The same deps with the rights of the ServiceAccount that the HelmRelease names: helm, and everything that is read or written for the
 * release. Without one they are Capstan's own, as they were the Operator's. A name that is none is refused when it is used.
 */
export function withRights({ namespace, serviceAccount }: ReleaseSpec, deps: SyncReleaseDeps): SyncReleaseDeps {
  if (serviceAccount === '') return deps
  const account = { namespace, serviceAccount }
  const { cluster, ownCluster = cluster, helm } = deps
  // made when it is used, so that the status can say why there is none
  const theirs = () => cluster.as(account)
  const of = ({ kind }: { kind: string }) => (ours.has(kind) ? cluster : theirs())
  return {
    ...deps,
    ownCluster,
    cluster: {
      ...cluster,
      get: async (ref, options) => await (oursToRead.has(ref.kind) ? cluster : theirs()).get(ref, options),
      list: async (query, signal) => await of(query).list(query, signal),
      create: async (object, signal) => await of(object).create(object, signal),
      replace: async (object, signal) => await of(object).replace(object, signal),
      patch: async (ref, patch, options) => await of(ref).patch(ref, patch, options),
      delete: async (ref, preconditions, signal) => await of(ref).delete(ref, preconditions, signal),
    },
    helm: {
      ...helm,
      install: (request, signal) => helm.install({ ...request, account }, signal),
      upgrade: (request, signal) => helm.upgrade({ ...request, account }, signal),
      rollback: (request, signal) => helm.rollback({ ...request, account }, signal),
      preview: (request, signal) => helm.preview({ ...request, account }, signal),
      test: (request, signal) => helm.test({ ...request, account }, signal),
      uninstall: (request, signal) => helm.uninstall({ ...request, account }, signal),
    },
  }
}
