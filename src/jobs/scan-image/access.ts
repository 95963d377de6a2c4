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
  /** Who writes workloads are strangers to each other and to the operator (`--tenants`). */
  areTenants: boolean
}

/** Workloads, and the source that they come from; without one it is the cluster that runs them. */
export type UsedBy = { workloads: readonly Workload[]; spec?: SourceSpec | undefined }

type Named = { namespace: string; name: string }

/**
 * The ways to reach a repository, the best first; the next is for where a login is refused (RegistryAuthFailed): of each source the login
 * of the first image pull secret of its workloads that has one for the host, the pod's own before those of its service account (flux-v1
 * §14), then the operator's or the cloud's, then none. A secret that is missing or forbidden is passed over: many images need none. Throws
 * RegistryAuthFailed where a login exists that cannot be had.
 *
 * What a source names is read with the rights of its service account, where it has one; the operator's logins are not for the Sources of
 * strangers, nor for what just runs in the cluster (`--tenants`).
 */
export async function* accessesTo(
  repository: string,
  usedBy: readonly UsedBy[],
  deps: AccessDeps,
  signal: AbortSignal,
): AsyncGenerator<RegistryAccess, void, undefined> {
  const host = splitRepository(repository)?.host ?? ''
  const insecure = isInsecureHost(host, deps.insecureHosts)
  const using = usedBy.map(({ spec, workloads }) => ({ spec, workloads: workloads.filter(uses(repository)) }))
  const tried = new Set<string>()
  for (const one of using) {
    const auth = await ofPullSecrets(one, host, deps, signal)
    if (isNew(auth, tried)) yield { auth: known(auth, deps), insecure }
  }
  const auth = using.some((one) => isOurs(one, deps)) ? await deps.logins.find({ host, insecure }, signal) : undefined
  if (isNew(auth, tried)) yield { auth: known(auth, deps), insecure }
  yield { insecure }
}

/** The first of {@link accessesTo}. */
export async function accessTo(...asked: Parameters<typeof accessesTo>): Promise<RegistryAccess> {
  for await (const access of accessesTo(...asked)) return access
  throw new Error('there is always a way')
}

function isNew(auth: RegistryLogin | undefined, tried: Set<string>): auth is RegistryLogin {
  if (!auth) return false
  const count = tried.size
  return tried.add(JSON.stringify([auth.username, auth.password, auth.identityToken])).size > count
}

function known(auth: RegistryLogin, { redactor }: Pick<AccessDeps, 'redactor'>): RegistryLogin {
  redactor.register([auth.password, auth.identityToken ?? ''].filter((secret) => secret !== ''))
  return auth
}

function uses(repository: string): (workload: Workload) => boolean {
  return ({ containers }) => containers.some(({ image }) => repositoryOf(image) === repository)
}

function isOurs({ spec, workloads }: UsedBy, { areTenants }: Pick<AccessDeps, 'areTenants'>): boolean {
  return workloads.length > 0 && !(spec ? spec.namespacedOnly : areTenants)
}

async function ofPullSecrets(
  { spec, workloads }: UsedBy,
  host: string,
  deps: AccessDeps,
  signal: AbortSignal,
): Promise<RegistryLogin | undefined> {
  const account = spec?.serviceAccount ? { namespace: spec.namespace, serviceAccount: spec.serviceAccount } : undefined
  const reader = { cluster: account ? deps.cluster.as(account) : deps.cluster, log: deps.log }
  return await ofWorkloads(workloads, host, reader, signal)
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
