/** User and password for a registry. Never printed. */
export type RegistryLogin = {
  username: string
  password: string
  /** In place of a password: shown to the token server alone, which gives tokens for it (OAuth 2 refresh token). */
  identityToken?: string
}
/** By host, with port where one was given. */
export type Credentials = ReadonlyMap<string, RegistryLogin>

/** Hosts under which logins for Docker Hub are stored. */
const hubHosts = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io', 'registry.hub.docker.com'])
const helperName = /^[A-Za-z0-9][\w.-]{0,63}$/

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

/** Programs of a docker config that know logins: one for each host, and one for all others. Names without `docker-credential-`. */
export type CredentialHelpers = { byHost: ReadonlyMap<string, string>; store?: string }

/** Reads `credHelpers` and `credsStore` of a docker config file. What is no name of a program is passed over. */
export function parseHelpers(text: string): CredentialHelpers {
  const { credHelpers, credsStore } = readRecord(safeParse(text))
  const isProgram = (name: unknown): name is string => typeof name === 'string' && helperName.test(name)
  const byHost = Object.entries(readRecord(credHelpers)).flatMap(([key, name]) =>
    isProgram(name) ? [[hostOf(key), name] as const] : [],
  )
  return { byHost: new Map(byHost), ...(isProgram(credsStore) ? { store: credsStore } : {}) }
}

/** What a helper is asked for and answers: the program, and the server as docker names it. Undefined where none is set for the host. */
export function helperFor(helpers: CredentialHelpers, host: string): { name: string; server: string } | undefined {
  const isHub = hubHosts.has(host)
  const name = helpers.byHost.get(isHub ? 'index.docker.io' : host) ?? helpers.store
  return name === undefined ? undefined : { name, server: isHub ? 'https://index.docker.io/v1/' : host }
}

/** Reads the answer of a helper; undefined for what is none. `<token>` in place of a name means that the secret is an identity token. */
export function parseHelperAnswer(text: string): RegistryLogin | undefined {
  const { Username: username, Secret: secret } = readRecord(safeParse(text))
  if (typeof username !== 'string' || typeof secret !== 'string' || username === '' || secret === '') return undefined
  return username === '<token>' ? { username: '', password: '', identityToken: secret } : { username, password: secret }
}

/** The login for the host of a canonical repository. */
export function loginFor(credentials: Credentials, host: string): RegistryLogin | undefined {
  return credentials.get(hubHosts.has(host) ? 'index.docker.io' : host)
}

function hostOf(key: string): string {
  const host = key.replace(/^https?:\/\//, '').replace(/\/.*$/s, '')
  return hubHosts.has(host) ? 'index.docker.io' : host
}

function readLogin({ auth, username, password, identitytoken }: Record<string, unknown>): RegistryLogin | undefined {
  if (typeof identitytoken === 'string' && identitytoken !== '') {
    return { username: '', password: '', identityToken: identitytoken }
  }
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
