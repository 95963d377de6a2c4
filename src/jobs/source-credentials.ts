import { createHash } from 'node:crypto'
import type { Cluster } from '../adapters/cluster/index.ts'
import type { GitRemote, GithubApp } from '../adapters/git/index.ts'
import { AppError } from '../domain/error.ts'
import { lacksSshKey, readLoginSecret } from '../domain/source/login-secret.ts'
import type { SourceSpec } from '../domain/source/spec.ts'
import type { Redactor } from '../lib/redactor.ts'

export type CredentialDeps = {
  cluster: Pick<Cluster, 'get'>
  redactor: Pick<Redactor, 'register'>
  /** Keeps bytes in a file that only this process may read, and gives its path. The same name has the same content always. */
  keep: (name: string, bytes: Uint8Array) => Promise<string>
  githubApp: GithubApp
}

/**
 * How to reach the repository of a Source object: with the Secret that it names in its own namespace, else with nothing at all, never
 * with the credentials of the flags. Files are named by what is in them, so that sources with the same key share one mirror and a new
 * key is another file. `withoutKey`: the way over ssh where the Secret is absent or has no key. Throws GitAuthFailed where the Secret is
 * absent or holds nothing that fits the URL.
 */
export async function remoteOf(
  { url, namespace, secretName }: Pick<SourceSpec, 'url' | 'namespace' | 'secretName'>,
  deps: CredentialDeps,
  signal?: AbortSignal,
  withoutKey?: (url: string) => Promise<GitRemote>,
): Promise<GitRemote> {
  if (secretName === '') return { url, isForeign: true }
  const secret = `${namespace}/${secretName}`
  const ref = { apiVersion: 'v1', kind: 'Secret', namespace, name: secretName }
  const found = await deps.cluster.get(ref, signal ? { signal } : {})
  if (withoutKey && lacksSshKey(found?.data, url)) return await withoutKey(url)
  if (!found) {
    throw new AppError('GitAuthFailed', `The Secret ${secret}, which has the credentials for git, does not exist.`)
  }
  const { login, ca, secrets } = readLoginSecret(found.data, { url, secret })
  deps.redactor.register(secrets)
  const caFile = ca ? { caFile: await keepNamed('ca', ca, deps) } : {}
  if (login?.kind === 'githubApp') {
    const auth = await deps.githubApp.login(login, signal)
    if (auth.kind === 'basic') deps.redactor.register([auth.password])
    return { url, isForeign: true, ...caFile, auth }
  }
  if (login?.kind !== 'ssh') return { url, isForeign: true, ...caFile, ...(login ? { auth: login } : {}) }
  const privateKeyFile = await keepNamed('key', withLineEnd(login.privateKey), deps)
  const knownHosts = login.knownHosts && { knownHostsFile: await keepNamed('hosts', login.knownHosts, deps) }
  return { url, isForeign: true, ...caFile, auth: { kind: 'ssh', privateKeyFile, ...knownHosts } }
}

async function keepNamed(kind: string, bytes: Uint8Array, { keep }: CredentialDeps): Promise<string> {
  return await keep(`${kind}-${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}`, bytes)
}

/** ssh refuses a key without a line break at its end, and says only "error in libcrypto". */
function withLineEnd(key: Uint8Array): Uint8Array {
  const text = Buffer.from(key).toString()
  return Uint8Array.from(Buffer.from(text.endsWith('\n') ? text : `${text}\n`))
}
