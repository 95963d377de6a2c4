import { AppError } from '../error.ts'

/** A GitHub App in one account; `privateKey` is PEM, `apiUrl` that of an own server. */
export type GithubAppKey = { appId: string; installationId: string; privateKey: string; apiUrl?: string }

/** What a Secret says about how to log in to a git server; bytes as they stand in it. */
export type LoginSecret = {
  login:
    | { kind: 'basic'; username: string; password: string }
    | ({ kind: 'githubApp' } & GithubAppKey)
    | { kind: 'ssh'; privateKey: Uint8Array; knownHosts: Uint8Array | undefined }
    | undefined
  /** Certificates, PEM, that are trusted for this repository. */
  ca: Uint8Array | undefined
  /** Everything in it that nobody may see. */
  secrets: string[]
}

type Data = Readonly<Record<string, unknown>>

/**
 * Reads the `data` of a Secret for an https or ssh URL. Keys are those of Flux 2 (`username` and `password`, `bearerToken`; `githubAppID`,
 * `githubAppInstallationID`, `githubAppPrivateKey`, `githubAppBaseURL`; `identity`, `known_hosts`; `ca.crt`, `caFile`), of kubernetes.io/basic-auth and kubernetes.io/ssh-auth, and `token`, which goes as the password.
 * Throws GitAuthFailed that names the Secret and the keys that are missing, never a value.
 */
export function readLoginSecret(data: unknown, { url, secret }: { url: string; secret: string }): LoginSecret {
  const given = typeof data === 'object' && data !== null ? (data as Data) : {}
  const login = isHttp(url) ? (readGithubApp(given, secret) ?? readBasic(given, secret)) : readSsh(given, secret)
  const ca = bytesOf(given, 'ca.crt') ?? bytesOf(given, 'caFile')
  if (ca && !textOf(ca).includes('-----BEGIN CERTIFICATE-----'))
    throw refused(`its key ca.crt holds no certificate`, secret)
  if (!login && !ca) throw refused('it has no username and password, no token and no ca.crt', secret)
  return { login, ca, secrets: secretsOf(login) }
}

/** True for an ssh URL and the `data` of a Secret that has no key for ssh, or of none at all. */
export function lacksSshKey(data: unknown, url: string): boolean {
  const given = typeof data === 'object' && data !== null ? (data as Data) : {}
  return !isHttp(url) && sshKeyIn(given) === undefined
}

function isHttp(url: string): boolean {
  return /^https?:/i.test(url)
}

function sshKeyIn(data: Data): Uint8Array | undefined {
  return bytesOf(data, 'identity') ?? bytesOf(data, 'ssh-privatekey')
}

function secretsOf(login: LoginSecret['login']): string[] {
  if (!login) return []
  if (login.kind === 'basic') return [login.password]
  return [login.kind === 'ssh' ? textOf(login.privateKey) : login.privateKey]
}

function readGithubApp(data: Data, secret: string): LoginSecret['login'] {
  const appId = wordOf(data, 'githubAppID')
  if (appId === undefined) return undefined
  const [installationId, privateKey] = [wordOf(data, 'githubAppInstallationID'), wordOf(data, 'githubAppPrivateKey')]
  if (!installationId || !privateKey)
    throw refused('it has githubAppID, but no githubAppInstallationID or githubAppPrivateKey', secret)
  const apiUrl = wordOf(data, 'githubAppBaseURL')
  if (apiUrl !== undefined && !/^https:\/\/[^\s@]+$/.test(apiUrl))
    throw refused('its githubAppBaseURL is no https URL', secret)
  return { kind: 'githubApp', appId, installationId, privateKey, ...(apiUrl ? { apiUrl } : {}) }
}

function readBasic(data: Data, secret: string): LoginSecret['login'] {
  const token = wordOf(data, 'token') ?? wordOf(data, 'bearerToken')
  const [username, password = token] = [wordOf(data, 'username'), wordOf(data, 'password')]
  if (username === undefined && password === undefined) {
    if (sshKeyIn(data)) throw refused('it holds an ssh key, but the URL is http', secret)
    return undefined
  }
  if (!password) throw refused('it has a username, but no password or token', secret)
  if (/\p{Cc}/u.test(`${username ?? ''}${password}`))
    throw refused('its username or password holds a line break or control character', secret)
  return { kind: 'basic', username: username || 'git', password }
}

function readSsh(data: Data, secret: string): LoginSecret['login'] {
  const privateKey = sshKeyIn(data)
  if (!privateKey) throw refused('it has no key `identity` with a private ssh key', secret)
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(textOf(privateKey)))
    throw refused('its key `identity` holds no private ssh key', secret)
  return { kind: 'ssh', privateKey, knownHosts: bytesOf(data, 'known_hosts') }
}

/** Undefined where it is absent, empty or not base64. */
function bytesOf(data: Data, key: string): Uint8Array | undefined {
  const encoded = Object.hasOwn(data, key) ? data[key] : undefined
  if (typeof encoded !== 'string' || encoded === '') return undefined
  return Uint8Array.from(Buffer.from(encoded, 'base64'))
}

/** One line; the line break that most editors leave at the end does not count. */
function wordOf(data: Data, key: string): string | undefined {
  const bytes = bytesOf(data, key)
  return bytes ? textOf(bytes).trim() : undefined
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString()
}

function refused(why: string, secret: string): AppError {
  return new AppError('GitAuthFailed', `The Secret ${secret} cannot be used for git: ${why}.`)
}
