import type { Cluster } from '../../adapters/cluster/index.ts'
import type { RegistryAccess } from '../../adapters/registry/index.ts'
import { toAppError } from '../../domain/error.ts'
import { decodeBase64, loginFor, parseDockerConfig, type RegistryLogin } from '../../domain/image/credentials.ts'
import { isInsecureHost, repositoryOf, splitRepository } from '../../domain/image/ref.ts'
import type { Workload } from '../../domain/image/workload.ts'
import type { Logger } from '../../lib/logger.ts'
import type { Redactor } from '../../lib/redactor.ts'

export type AccessDeps = {
  cluster: Pick<Cluster, 'get'>
  /** Hosts reached without checking certificates, or by plain HTTP (`--registry-insecure-host`). */
  insecureHosts: readonly string[]
  redactor: Pick<Redactor, 'register'>
  log: Logger
}

/**
 * How to reach a repository: with the login of the first image pull secret of its workloads that has one for the host, else
 * anonymously. A secret that is missing or forbidden is passed over: many images need none.
 */
export async function accessTo(
  repository: string,
  workloads: readonly Workload[],
  deps: AccessDeps,
  signal: AbortSignal,
): Promise<RegistryAccess> {
  const host = splitRepository(repository)?.host ?? ''
  const insecure = isInsecureHost(host, deps.insecureHosts)
  const tried = new Set<string>()
  for (const { ref, containers, pullSecrets } of workloads) {
    if (!containers.some(({ image }) => repositoryOf(image) === repository)) continue
    for (const name of pullSecrets) {
      const key = `${ref.namespace ?? ''}/${name}`
      if (tried.has(key)) continue
      tried.add(key)
      const login = await readLogin({ namespace: ref.namespace ?? '', name }, host, deps, signal)
      if (!login) continue
      deps.redactor.register([login.password])
      return { auth: login, insecure }
    }
  }
  return { insecure }
}

async function readLogin(
  secret: { namespace: string; name: string },
  host: string,
  { cluster, log }: AccessDeps,
  signal: AbortSignal,
): Promise<RegistryLogin | undefined> {
  try {
    const found = await cluster.get({ apiVersion: 'v1', kind: 'Secret', ...secret }, { signal })
    const data = (found?.data ?? {}) as Record<string, unknown>
    const config = data['.dockerconfigjson'] ?? data['.dockercfg']
    return typeof config === 'string' ? loginFor(parseDockerConfig(decodeBase64(config)), host) : undefined
  } catch (error) {
    const failure = toAppError(error)
    if (failure.reason !== 'Forbidden') throw error
    log.info({ ...secret, reason: failure.reason }, 'an image pull secret may not be read')
    return undefined
  }
}
