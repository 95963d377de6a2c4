import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Cluster, contextNamespace } from '../adapters/cluster/index.ts'
import { createEgress } from '../adapters/egress/index.ts'
import { createGithubApp, type GithubApp, type GitRemote } from '../adapters/git/index.ts'
import type { Config } from '../config/config.ts'
import type { SecretSource } from '../config/git-login.ts'
import { sourceDefaults } from '../domain/source/resource.ts'
import type { SourceSpec } from '../domain/source/spec.ts'
import type { Sources } from '../jobs/sources.ts'
import { remoteOf } from '../jobs/source-credentials.ts'
import { createSourceRegistry, type SourceRegistry } from '../jobs/source-registry.ts'
import type { Logger } from '../lib/logger.ts'
import type { Redactor } from '../lib/redactor.ts'
import { urlSecrets } from '../lib/url-secrets.ts'
import type { DeployKeys } from './deploy-key.ts'
import { createPrivateFiles } from './private-files.ts'

export type SourcesParts = {
  cluster: Cluster
  redactor: Redactor
  deployKeys: DeployKeys
  /** Proxies that the operator set. */
  environment: Readonly<Record<string, string>>
  log: Logger
}

/**
 * The source that the flags make, if any, and Source objects. Credentials are read from their files and Secrets at each use; those of
 * the flags are for the source of the flags alone.
 */
export function createSources(config: Config, parts: SourcesParts): SourceRegistry & Sources {
  const { cluster, redactor, deployKeys, environment, log } = parts
  const { namespaces, ...defaults } = config.sources
  const flagSource = config.source && makeFlagSource(config, config.source)
  if (flagSource) redactor.register(urlSecrets(flagSource.url))
  const registry = createSourceRegistry({
    cluster,
    flagSource,
    defaults: { ...sourceDefaults, ...defaults },
    namespaces: config.enable.includes('sync') ? namespaces : undefined,
    log,
    pause: async (ms, signal) => await sleep(ms, undefined, { signal }),
  })
  // of the flags it may be an own server inside; of tenants not
  const githubApp = (allowPrivate: boolean) =>
    createGithubApp({ egress: createEgress({ allowPrivate, environment }), now: Date.now })
  const own = githubApp(true)
  const credentials = {
    cluster,
    redactor,
    keep: createPrivateFiles(join(config.cacheDir, 'git-credentials')),
    githubApp: githubApp(!config.sources.areTenants),
  }
  return {
    ...registry,
    remote: async (spec, signal) =>
      spec.origin === 'resource'
        ? await remoteOf(spec, credentials, signal)
        : { url: spec.url, ...(await authOf(config.git, { redactor, deployKeys, githubApp: own }, signal)) },
  }
}

/** Objects that name no namespace go where the flag says, else where the kubeconfig's context is, else to `default` (flux-v1 §5). */
function makeFlagSource({ namespace, kubeconfig }: Config, source: NonNullable<Config['source']>): SourceSpec {
  const defaultNamespace = source.defaultNamespace || contextNamespace({ kubeconfig }) || 'default'
  return { namespace, ...source, defaultNamespace }
}

/** Undefined where git finds its own way (no login given, or a public repository). */
async function authOf(
  { login, deployKeyFile }: Config['git'],
  { redactor, deployKeys, githubApp }: Pick<SourcesParts, 'redactor' | 'deployKeys'> & { githubApp: GithubApp },
  signal: AbortSignal | undefined,
): Promise<Pick<GitRemote, 'auth'>> {
  if (!login) return {}
  if (login.kind === 'basic') {
    const password = readSecret(login.password)
    redactor.register([password])
    return { auth: { kind: 'basic', username: login.username, password } }
  }
  if (login.kind === 'githubApp') {
    const privateKey = readFileSync(login.privateKeyFile, 'utf8')
    redactor.register([privateKey])
    const { appId, installationId, apiUrl } = login
    const auth = await githubApp.login({ appId, installationId, privateKey, ...(apiUrl ? { apiUrl } : {}) }, signal)
    if (auth.kind === 'basic') redactor.register([auth.password])
    return { auth }
  }
  const ownKey = deployKeys.none === undefined ? (await deployKeys.get()).privateKeyFile : undefined
  const privateKeyFile = login.privateKeyFile ?? ownKey ?? (existsSync(deployKeyFile) ? deployKeyFile : undefined)
  if (!privateKeyFile) return {}
  return {
    auth: { kind: 'ssh', privateKeyFile, ...(login.knownHostsFile ? { knownHostsFile: login.knownHostsFile } : {}) },
  }
}

function readSecret(source: SecretSource): string {
  return 'file' in source ? readFileSync(source.file, 'utf8').trim() : source.value
}
