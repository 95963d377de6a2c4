import type { Cluster } from '../../adapters/cluster/index.ts'
import type { Logins, RegistryAccess } from '../../adapters/registry/index.ts'
import { toAppError } from '../../domain/error.ts'
import { decodeBase64, loginFor, parseDockerConfig, type RegistryLogin } from '../../domain/image/credentials.ts'
import { isInsecureHost, repositoryOf, splitRepository } from '../../domain/image/ref.ts'
import type { Workload } from '../../domain/image/workload.ts'
import type { KubeObject } from '../../domain/manifest/object.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import type { Logger } from '../../lib/logger.ts'
import type { Redactor } from '../../lib/redactor.ts'

export type AccessDeps = {
  cluster: Pick<Cluster, 'get' | 'as'>
  /** Hosts reached without checking certificates, or by plain HTTP (`--registry-insecure-host`). */
  insecureHosts: readonly string[]
  /** For what no image pull secret has a login. */
  logins: Pick<Logins, 'find'>
  redactor: Pick<Redactor, 'register'>
  log: Logger
}

/** Workloads, and the source that they come from; without one it is the cluster that runs them. */
export type UsedBy = { workloads: readonly Workload[]; spec?: SourceSpec }

type Named = { namespace: string; name: string }

/**
 * How to reach a repository: with the login of the first image pull secret of its workloads that has one for the host, the pod's own
 * before those of its service account (flux-v1 §14), else with the operator's or the cloud's, else anonymously. A secret that is
 * missing or forbidden is passed over: many images need none. Throws RegistryAuthFailed where a login exists that cannot be had.
 *
 * What a source names is read with the rights of its service account, where it has one; the operator's logins are not for the Sources of
 * strangers (`--tenants`).
 */
export async function accessTo(
  repository: string,
  usedBy: readonly UsedBy[],
  deps: AccessDeps,
  signal: AbortSignal,
): Promise<RegistryAccess> {
  const host = splitRepository(repository)?.host ?? ''
  const insecure = isInsecureHost(host, deps.insecureHosts)
  const using = usedBy.map(({ spec, workloads }) => ({ spec, workloads: workloads.filter(uses(repository)) }))
  const auth =
    (await ofPullSecrets(using, host, deps, signal)) ??
    (using.some(isOurs) ? await deps.logins.find({ host, insecure }, signal) : undefined)
  if (!auth) return { insecure }
  deps.redactor.register([auth.password, auth.identityToken ?? ''].filter((secret) => secret !== ''))
  return { auth, insecure }
}

function uses(repository: string): (workload: Workload) => boolean {
  return ({ containers }) => containers.some(({ image }) => repositoryOf(image) === repository)
}

function isOurs({ spec, workloads }: { spec: SourceSpec | undefined; workloads: readonly Workload[] }): boolean {
  return workloads.length > 0 && !spec?.namespacedOnly
}

async function ofPullSecrets(
  using: readonly { spec: SourceSpec | undefined; workloads: readonly Workload[] }[],
  host: string,
  deps: AccessDeps,
  signal: AbortSignal,
): Promise<RegistryLogin | undefined> {
  for (const { spec, workloads } of using) {
    const account = spec?.serviceAccount
      ? { namespace: spec.namespace, serviceAccount: spec.serviceAccount }
      : undefined
    const reader = { cluster: account ? deps.cluster.as(account) : deps.cluster, log: deps.log }
    const login = await ofWorkloads(workloads, host, reader, signal)
    if (login) return login
  }
  return undefined
}

type Reader = { cluster: Pick<Cluster, 'get'>; log: Logger }

async function ofWorkloads(
  workloads: readonly Workload[],
  host: string,
  reader: Reader,
  signal: AbortSignal,
): Promise<RegistryLogin | undefined> {
  const tried = new Set<string>()
  for (const secret of ownSecrets(workloads)) {
    const login = await readOnce(secret)
    if (login) return login
  }
  for (const account of accountsOf(workloads)) {
    const found = await readOrNone({ apiVersion: 'v1', kind: 'ServiceAccount', ...account }, reader, signal)
    for (const name of secretNames(found)) {
      const login = await readOnce({ namespace: account.namespace, name })
      if (login) return login
    }
  }
  return undefined

  async function readOnce(secret: Named): Promise<RegistryLogin | undefined> {
    const key = `${secret.namespace}/${secret.name}`
    if (tried.has(key)) return undefined
    tried.add(key)
    return loginIn(await readOrNone({ apiVersion: 'v1', kind: 'Secret', ...secret }, reader, signal), host)
  }
}

function ownSecrets(workloads: readonly Workload[]): Named[] {
  return workloads.flatMap(({ ref, pullSecrets }) =>
    pullSecrets.map((name) => ({ namespace: ref.namespace ?? '', name })),
  )
}

function accountsOf(workloads: readonly Workload[]): Named[] {
  const accounts = workloads.map(({ ref, serviceAccount }) => ({
    namespace: ref.namespace ?? '',
    name: serviceAccount,
  }))
  return [...new Map(accounts.map((account) => [`${account.namespace}/${account.name}`, account])).values()]
}

function secretNames(account: KubeObject | undefined): string[] {
  const list = account?.imagePullSecrets
  if (!Array.isArray(list)) return []
  return list.map((entry: { name?: unknown } | null) => entry?.name).filter((name) => typeof name === 'string')
}

function loginIn(secret: KubeObject | undefined, host: string): RegistryLogin | undefined {
  const data = (secret?.data ?? {}) as Record<string, unknown>
  const config = data['.dockerconfigjson'] ?? data['.dockercfg']
  return typeof config === 'string' ? loginFor(parseDockerConfig(decodeBase64(config)), host) : undefined
}

async function readOrNone(
  ref: Named & { apiVersion: 'v1'; kind: 'Secret' | 'ServiceAccount' },
  { cluster, log }: Reader,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  try {
    return await cluster.get(ref, { signal })
  } catch (error) {
    const { reason } = toAppError(error)
    if (reason !== 'Forbidden') throw error
    const what = ref.kind === 'Secret' ? 'an image pull secret' : 'a service account'
    log.info({ namespace: ref.namespace, name: ref.name, reason }, `${what} may not be read`)
    return undefined
  }
}
