import { cloudOf } from '../../../domain/image/cloud-host.ts'
import { toAppError } from '../../../domain/error.ts'
import type { Logger } from '../../../lib/logger.ts'
import type { Run } from '../../../lib/run.ts'
import type { RegistryAuth } from '../access.ts'
import { createAskCloud } from './ask.ts'
import { findAwsRegion } from './aws-keys.ts'
import { askAzure } from './azure.ts'
import { loginOfFile } from './docker-config.ts'
import { askEcr } from './ecr.ts'
import { askGoogle } from './google.ts'
import { createLending } from './lent.ts'

/** Logins that no image pull secret holds: of this process' own place in a cloud, and of the operator's docker config. */
export type Logins = {
  /**
   * For ECR the region's; else that of the docker config file; else, at Google's and Azure's registries, that of the machine or pod, or
   * none where there is nobody to ask. Throws RegistryAuthFailed.
   */
  find(registry: { host: string; insecure: boolean }, signal?: AbortSignal): Promise<RegistryAuth | undefined>
  /** A registry refused what `find` gave. */
  refused(host: string): void
  /** The region of AWS that this process runs in. Rejects with an Error of a few words where it does not. */
  region(signal?: AbortSignal): Promise<string>
  close(): Promise<void>
}

export type LoginsOptions = {
  run: Run
  log: Logger
  /** The process' own: proxies, and what clouds tell their pods. */
  env: Readonly<Record<string, string | undefined>>
  /** `--docker-config`; empty for none. */
  dockerConfig: string
  /** Default `/etc/kubernetes/azure.json`. */
  azureFile?: string
  /** A server of this machine's own cloud answers within this time, or is not there. Default 2 s. */
  nearMs?: number
  now?: () => Date
}

export function createLogins(options: LoginsOptions): Logins {
  const {
    run,
    log,
    env,
    dockerConfig,
    nearMs,
    azureFile = '/etc/kubernetes/azure.json',
    now = () => new Date(),
  } = options
  const ask = createAskCloud(given(env), nearMs)
  const lending = createLending(() => now().getTime())
  const aws = { ask, env, now }

  /** Images of these registries may need no login, and this may be another cloud than theirs. */
  async function orNone(host: string, borrowed: Promise<RegistryAuth>): Promise<RegistryAuth | undefined> {
    try {
      return await borrowed
    } catch (error) {
      log.info({ registry: host }, `${toAppError(error).message}; it is asked without a login`)
      return undefined
    }
  }

  return {
    async find({ host, insecure }, signal) {
      const cloud = cloudOf(host)
      if (cloud?.cloud === 'ecr') {
        return await lending.borrow(keyOf(host), `ECR in ${cloud.region}`, () => askEcr(cloud, aws))
      }
      const login = dockerConfig === '' ? undefined : await loginOfFile(host, { file: dockerConfig, run, env }, signal)
      if (login || !cloud) return login
      if (cloud.cloud === 'google') {
        return await orNone(
          host,
          lending.borrow(keyOf(host), host, () => askGoogle(aws)),
        )
      }
      const azure = { ...aws, file: azureFile }
      return await orNone(
        host,
        lending.borrow(keyOf(host), host, () => askAzure({ host, insecure }, azure)),
      )
    },
    refused: (host) => lending.forget(keyOf(host)),
    region: (signal) => findAwsRegion(aws, signal),
    close: () => ask.close(),
  }
}

/** What one login is for: a region of ECR, all of Google's, one registry of Azure's. */
function keyOf(host: string): string {
  const cloud = cloudOf(host)
  if (cloud?.cloud === 'ecr') return `ecr ${cloud.region} ${cloud.domain}`
  return cloud?.cloud === 'google' ? 'google' : host
}

function given(env: LoginsOptions['env']): Record<string, string> {
  return Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value ? [[name, value]] : [])))
}
