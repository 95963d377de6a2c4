/** User and password for a registry. Never printed. */
export type RegistryLogin = { username: string; password: string }
/** By host, with port where one was given. */
export type Credentials = ReadonlyMap<string, RegistryLogin>

/** Hosts under which logins for Docker Hub are stored. */
const hubHosts = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io', 'registry.hub.docker.com'])

/**
 * Reads the logins of an image pull secret: `.dockerconfigjson` or the older `.dockercfg`. Keys are reduced to host and port; only
 * the `auth` field counts, as for the ancestor (flux-v1 §14), else `username` and `password`. What is none is passed over.
 */
export function parseDockerConfig(text: string): Credentials {
  const credentials = new Map<string, RegistryLogin>()
  const config = readRecord(safeParse(text))
  for (const [key, value] of Object.entries(config.auths === undefined ? config : readRecord(config.auths))) {
    const host = hostOf(key)
    const login = readLogin(readRecord(value))
    if (host && login && !credentials.has(host)) credentials.set(host, login)
  }
  return credentials
}

/** The login for the host of a canonical repository. */
export function loginFor(credentials: Credentials, host: string): RegistryLogin | undefined {
  return credentials.get(hubHosts.has(host) ? 'index.docker.io' : host)
}

function hostOf(key: string): string {
  const host = key.replace(/^https?:\/\//, '').replace(/\/.*$/s, '')
  return hubHosts.has(host) ? 'index.docker.io' : host
}

function readLogin({ auth, username, password }: Record<string, unknown>): RegistryLogin | undefined {
  if (typeof auth === 'string' && auth !== '') {
    const [, user = '', secret = ''] = /^([^:]*):(.*)$/s.exec(decodeBase64(auth)) ?? []
    return user === '' ? undefined : { username: user, password: secret.replace(/\0+$/, '') }
  }
  if (typeof username !== 'string' || typeof password !== 'string' || username === '') return undefined
  return { username, password }
}

/** Text of base64; empty for what is none. */
export function decodeBase64(base64: string): string {
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(base64.trim()), (char) => char.charCodeAt(0)))
  } catch {
    return ''
  }
}

function readRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}

function safeParse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
