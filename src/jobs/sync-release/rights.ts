import { AppError } from '../../domain/error.ts'
import type { ObjectRef } from '../../domain/manifest/object.ts'
import { helmReleaseKind, type ReleaseSpec } from '../../domain/release/spec.ts'
import type { SyncReleaseDeps } from './deps.ts'

type Kind = Pick<ObjectRef, 'apiVersion' | 'kind'>

const definition = 'apiextensions.k8s.io/v1 CustomResourceDefinition'
const release = `${helmReleaseKind.apiVersion} ${helmReleaseKind.kind}`
/** Who may do nothing in a namespace may still be told whether it is going, and who else asks for a release. */
const oursToRead = new Set([release, definition, 'v1 Namespace'])

/** Why nothing may be read or written for a release: strangers (`--tenants`) never act with Capstan's own rights (hazards J1, J2). */
export function accountProblem(
  { serviceAccount }: Pick<ReleaseSpec, 'serviceAccount'>,
  { areTenants }: Pick<SyncReleaseDeps, 'areTenants'>,
): string | undefined {
  return areTenants && serviceAccount === ''
    ? 'it names no service account, and with --tenants no HelmRelease has the rights of Capstan itself; give spec.serviceAccountName or the annotation capstan.dev/serviceAccountName'
    : undefined
}

/**
 * The same deps with the rights of the ServiceAccount that the HelmRelease names: helm, and everything that is read or written for the
 * release; only the HelmRelease itself and what is told about it stay ours. Without one they are Capstan's own, as they were the
 * Operator's; with `--tenants` there are none then, and every use throws NoServiceAccount. A name that is none is refused when it is used.
 */
export function withRights(spec: ReleaseSpec, deps: SyncReleaseDeps): SyncReleaseDeps {
  const problem = accountProblem(spec, deps)
  if (spec.serviceAccount === '' && !problem) return deps
  const { namespace, name, serviceAccount } = spec
  const { cluster, ownCluster = cluster, helm } = deps
  // made when it is used, so that the status can say why there is none
  const account = () => {
    if (problem) throw new AppError('NoServiceAccount', problem, { retry: 'never' })
    return { namespace, serviceAccount }
  }
  const theirs = () => cluster.as(account())
  const isSelf = (ref: ObjectRef) => isKind(ref, release) && ref.namespace === namespace && ref.name === name
  return {
    ...deps,
    ownCluster,
    cluster: {
      resource: cluster.resource,
      as: cluster.as,
      get: async (ref, options) => await (oursToRead.has(kindOf(ref)) ? cluster : theirs()).get(ref, options),
      list: async (query, signal) => await (isKind(query, release) ? cluster : theirs()).list(query, signal),
      podLog: async (ref, limits, signal) => await theirs().podLog(ref, limits, signal),
      create: async (object, signal) => await (isKind(object, 'v1 Event') ? cluster : theirs()).create(object, signal),
      replace: async (object, signal) => await theirs().replace(object, signal),
      patch: async (ref, patch, options) => await (isSelf(ref) ? cluster : theirs()).patch(ref, patch, options),
      delete: async (ref, preconditions, signal) => await theirs().delete(ref, preconditions, signal),
      apply: async (object, options, signal) => await theirs().apply(object, options, signal),
    },
    helm: {
      ...helm,
      install: async (request, signal) => await helm.install({ ...request, account: account() }, signal),
      upgrade: async (request, signal) => await helm.upgrade({ ...request, account: account() }, signal),
      rollback: async (request, signal) => await helm.rollback({ ...request, account: account() }, signal),
      preview: async (request, signal) => await helm.preview({ ...request, account: account() }, signal),
      test: async (request, signal) => await helm.test({ ...request, account: account() }, signal),
      uninstall: async (request, signal) => await helm.uninstall({ ...request, account: account() }, signal),
    },
  }
}

function kindOf({ apiVersion, kind }: Kind): string {
  return `${apiVersion} ${kind}`
}

function isKind(of: Kind, kind: string): boolean {
  return kindOf(of) === kind
}
