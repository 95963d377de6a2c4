import { existsSync, readFileSync } from 'node:fs'
import type { GitRemote } from '../adapters/git/index.ts'
import type { Config, SecretSource } from '../config/config.ts'
import type { SourceSpec } from '../domain/source/spec.ts'
import type { Sources } from '../jobs/fetch-source.ts'
import type { Redactor } from '../lib/redactor.ts'
import { urlSecrets } from '../lib/url-secrets.ts'

/** The sources that the flags make: one, or none without --git-url. Credentials are read from their files at each use. */
export function createSources(config: Config, redactor: Redactor): Sources {
  const specs: SourceSpec[] = config.source ? [{ namespace: config.namespace, ...config.source }] : []
  for (const { url } of specs) redactor.register(urlSecrets(url))
  return {
    list: () => specs,
    get: (namespace, name) => specs.find((spec) => spec.namespace === namespace && spec.name === name),
    remote: (spec) => ({ url: spec.url, ...authOf(config.git, redactor) }),
  }
}

/** Undefined where git finds its own way (no login given, or a public repository). */
function authOf({ login, deployKeyFile }: Config['git'], redactor: Redactor): Pick<GitRemote, 'auth'> {
  if (!login) return {}
  if (login.kind === 'basic') {
    const password = readSecret(login.password)
    redactor.register([password])
    return { auth: { kind: 'basic', username: login.username, password } }
  }
  const privateKeyFile = login.privateKeyFile ?? (existsSync(deployKeyFile) ? deployKeyFile : undefined)
  if (!privateKeyFile) return {}
  return {
    auth: { kind: 'ssh', privateKeyFile, ...(login.knownHostsFile ? { knownHostsFile: login.knownHostsFile } : {}) },
  }
}

function readSecret(source: SecretSource): string {
  return 'file' in source ? readFileSync(source.file, 'utf8').trim() : source.value
}
