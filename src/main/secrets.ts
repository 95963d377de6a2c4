import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import type { Secrets } from './server.ts'

/** The files with the API's token and the webhooks' secret; made with mode 0600 in the state folder where none is given (W34). */
export function ensureSecrets(config: Config): Secrets {
  mkdirSync(config.stateDir, { recursive: true, mode: 0o700 })
  return {
    tokenFile: config.tokenFile ?? ensureSecret(join(config.stateDir, 'token')),
    webhookSecretFile: config.webhookSecretFile ?? ensureSecret(join(config.stateDir, 'webhook-secret')),
  }
}

function ensureSecret(file: string): string {
  if (!existsSync(file)) writeFileSync(file, randomBytes(32).toString('base64url'), { mode: 0o600 })
  return file
}
