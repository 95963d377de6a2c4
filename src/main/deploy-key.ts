import { join } from 'node:path'
import type { Cluster } from '../adapters/cluster/index.ts'
import { createSshKeys } from '../adapters/ssh-key/index.ts'
import type { ReadIdentity } from '../api/app-options.ts'
import type { Config } from '../config/config.ts'
import { AppError } from '../domain/error.ts'
import { isSshUrl } from '../domain/source/key-type.ts'
import type { Fence } from '../domain/work/fence.ts'
import { type DeployKey, ensureDeployKey, renewDeployKey } from '../jobs/deploy-key.ts'
import type { Logger } from '../lib/logger.ts'
import type { Run } from '../lib/run.ts'

/** The ssh key of the flag source, where Capstan keeps one (flux-v1 §27). */
export type DeployKeys = {
  /** Why this process has no deploy key: a sentence for people. Undefined where it has one, or makes one. */
  readonly none: string | undefined
  /**
   * The key, kept until {@link DeployKeys.forget}; a failure is not kept. Throws `NotReady` where none is there and this process may not
   * make one, GitAuthFailed for one that cannot be used, and what the cluster says when it cannot be asked.
   */
  get(): Promise<DeployKey>
  /** Makes a new key in the place of the old one, which then opens nothing any more. Throws as `get` does. */
  renew(): Promise<DeployKey>
  /** From now on a key that is missing is made and put into its Secret. */
  allowMaking(fence: Pick<Fence, 'check'>): void
  /** The git server did not take it: it is read again at the next use. */
  forget(): void
}

const timeoutMs = 60_000

/** The deploy key by what the flags say. Its public half is logged once, where it is first known, for whoever enters it at the forge. */
export function createDeployKeys(
  config: Config,
  parts: { cluster: Pick<Cluster, 'get' | 'create' | 'patch'>; run: Run; path: string; log: Logger },
): DeployKeys {
  const { cluster, run, path, log } = parts
  const { deployKey, deployKeyFile } = config.git
  const keys = createSshKeys({ run, path, directory: deployKey.directory || join(config.cacheDir, 'deploy-key') })
  const request = {
    namespace: config.namespace,
    secretName: deployKey.secretName,
    dataKey: deployKey.dataKey,
    mountedFile: deployKeyFile,
    url: config.source?.url ?? '',
    keygen: { type: deployKey.type, bits: deployKey.bits, format: deployKey.format },
  }
  const none = whyNone(config)
  let maker: Pick<Fence, 'check'> = { check: () => refuseToMake(request) }
  let known: Promise<DeployKey> | undefined
  let told = ''

  async function read(make: typeof ensureDeployKey = ensureDeployKey): Promise<DeployKey> {
    const deps = { cluster, keys, fence: { check: () => maker.check() } }
    const key = none ? undefined : await make(deps, request, AbortSignal.timeout(timeoutMs))
    if (!key) throw new AppError('NotReady', none ?? 'there is no deploy key')
    if (told !== key.publicKey)
      log.info({ 'identity.pub': key.publicKey.trim() }, 'the deploy key of the git repository')
    told = key.publicKey
    return key
  }

  return {
    none,
    async get() {
      const asked = (known ??= read())
      try {
        return await asked
      } catch (error) {
        if (known === asked) known = undefined
        throw error
      }
    },
    async renew() {
      const made = await read(renewDeployKey)
      known = Promise.resolve(made)
      return made
    },
    allowMaking(fence) {
      maker = fence
    },
    forget() {
      known = undefined
    },
  }
}

/** The public half of the deploy key for the API; with `renew` of a new one. */
export async function processIdentity(deployKeys: DeployKeys, { renew = false } = {}): ReturnType<ReadIdentity> {
  if (deployKeys.none !== undefined) return { none: deployKeys.none }
  try {
    const { publicKey, fingerprints } = await (renew ? deployKeys.renew() : deployKeys.get())
    return { publicKey, fingerprints }
  } catch (error) {
    if (error instanceof AppError && (error.reason === 'NotReady' || error.reason === 'ReadOnly'))
      return { none: error.message }
    throw error
  }
}

function refuseToMake({ namespace, secretName }: { namespace: string; secretName: string }): never {
  const message = `the Secret ${namespace}/${secretName} holds no deploy key yet; a worker makes one when it starts`
  throw new AppError('NotReady', message)
}

function whyNone({ source, git: { login, deployKey } }: Config): string | undefined {
  if (!source) return 'There is no source of the flags, so no deploy key; --git-url names one.'
  if (!isSshUrl(source.url)) return 'The repository is not reached by ssh, so there is no deploy key.'
  if (login?.kind === 'ssh' && login.privateKeyFile)
    return 'The key is the one of --git-ssh-key-file; ssh-keygen -y -f FILE shows its public half.'
  if (!deployKey.isKept)
    return "Outside a cluster git's own ssh keys are used; give --k8s-secret-name to have a deploy key made and kept."
  return undefined
}
