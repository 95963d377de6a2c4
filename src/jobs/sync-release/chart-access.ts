import { AppError } from '../../domain/error.ts'
import { loginFor, parseDockerConfig } from '../../domain/image/credentials.ts'
import { accessSecrets, type ChartAccess, readPullSecret } from '../../domain/release/chart-access.ts'
import type { SyncReleaseDeps } from './deps.ts'

export type SecretRef = { namespace: string; name: string }

/**
 * Reads the Secret of `chartPullSecret` and gives how to reach a repository with it. It is read at each run, so a new password counts
 * at once. Throws ChartAuthFailed when there is no such Secret; what it gives throws it when the Secret has nothing for a URL.
 */
export async function readPullAccess(
  ref: SecretRef,
  { cluster, redactor }: Pick<SyncReleaseDeps, 'cluster' | 'redactor'>,
  signal: AbortSignal,
): Promise<(url: string) => ChartAccess> {
  const shown = `${ref.namespace}/${ref.name}`
  const found = await cluster.get({ apiVersion: 'v1', kind: 'Secret', ...ref }, { signal })
  if (!found) {
    throw new AppError('ChartAuthFailed', `Secret ${shown}, which chartPullSecret names, does not exist`)
  }
  const encoded = (found.data ?? {}) as Record<string, string>
  const data = Object.fromEntries(
    Object.entries(encoded).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
  )
  const docker = parseDockerConfig(data['.dockerconfigjson'] ?? data['.dockercfg'] ?? '')
  return (url) => {
    const access = readPullSecret(data, { url, dockerLogin: loginFor(docker, hostOf(url)) })
    if (typeof access === 'string') throw new AppError('ChartAuthFailed', `Secret ${shown} cannot be used: ${access}`)
    redactor.register(accessSecrets(access))
    return access
  }
}

/** With the port, where one is given: a docker config names it, too. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : ''
}
