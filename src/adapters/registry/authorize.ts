import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { AppError } from '../../domain/error.ts'
import { untilAborted } from '../../lib/until-aborted.ts'
import type { RegistryAccess, RegistryAuth } from './access.ts'
import { parseChallenge } from './challenge.ts'
import type { Answer, Connections, Sent } from './connections.ts'
import { pauseAfter, rateLimited, unreachable } from './failure.ts'
import { isTokenRealm } from './redirect.ts'

type Wanted = { registry: URL; path: string; access: RegistryAccess; signal: AbortSignal | undefined }

/** `Authorization` headers: asked for once per repository and login, kept until they end. */
export type Authorize = {
  /** The one that worked last. */
  known(wanted: Wanted): string | undefined
  /** One in place of `refused`; undefined where the registry does not say what it wants. Throws RegistryAuthFailed. */
  renew(
    wanted: Wanted,
    refused: string | undefined,
    challenge: string | string[] | undefined,
  ): Promise<string | undefined>
}

const mostTokens = 2_000
const maxTokenBytes = 64 * 1024
/** What a registry that names no time means (the distribution specification's minimum). */
const defaultTokenSeconds = 60
const longestMs = 3600_000
/** A token is not used in its last seconds. */
const marginMs = 10_000

export function createAuthorize(connections: Connections): Authorize {
  const headers = new LRUCache<string, string>({ max: mostTokens })
  const pending = new Map<string, Promise<string>>()

  async function fetchHeader(key: string, wanted: Wanted, realm: URL): Promise<string> {
    const { header, ttl } = await fetchToken(connections, wanted, realm)
    headers.set(key, header, { ttl })
    return header
  }

  return {
    known: (wanted) => headers.get(keyOf(wanted)),
    async renew(wanted, refused, text) {
      const { registry, access, path, signal } = wanted
      const key = keyOf(wanted)
      const other = headers.get(key)
      if (other !== undefined && other !== refused) return other
      headers.delete(key)
      const challenge = parseChallenge(text)
      if (!challenge) return undefined
      if (challenge.scheme === 'basic') {
        if (!access.auth || access.auth.identityToken || refused !== undefined) return undefined
        const header = basic(access.auth)
        headers.set(key, header, { ttl: longestMs })
        return header
      }
      const { realm, service } = challenge
      if (!isTokenRealm(realm, registry, access.insecure)) {
        const message = `${registry.host} sends us to another host for a token, which is refused`
        throw new AppError('RegistryAuthFailed', message)
      }
      const url = new URL(realm)
      if (service !== undefined) url.searchParams.set('service', service)
      // never the scope that the challenge asks for: the registry might want more than we do
      url.searchParams.set('scope', `repository:${path}:pull`)
      const running = pending.get(key) ?? fetchHeader(key, wanted, url).finally(() => pending.delete(key))
      pending.set(key, running)
      return await untilAborted(running, signal)
    },
  }
}

function keyOf({ registry, path, access }: Wanted): string {
  const { username = '', password = '', identityToken = '' } = access.auth ?? {}
  const login = JSON.stringify([username, password, identityToken, access.tls])
  return `${registry.origin} ${path} ${createHash('sha256').update(login).digest('hex')}`
}

function basic({ username, password }: RegistryAuth): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

/** Others may wait for the same token, so one caller's signal does not end it. */
async function fetchToken(
  connections: Connections,
  { registry, access }: Wanted,
  url: URL,
): Promise<{ header: string; ttl: number }> {
  const answer = await connections.send({
    ...tokenRequest(url, access.auth),
    maxBytes: maxTokenBytes,
    insecure: access.insecure,
    tls: url.host === registry.host ? access.tls : undefined,
    signal: undefined,
  })
  if (answer.status === 429) throw rateLimited(url.host, pauseAfter(answer, Date.now()))
  if (answer.status >= 400 && answer.status < 500) {
    const message = `${url.host} gives no token for ${registry.host} (${answer.status}); check the image pull secret`
    throw new AppError('RegistryAuthFailed', message)
  }
  const token = answer.status === 200 ? readToken(answer) : undefined
  if (!token) throw unreachable(url.host, `answered ${answer.status} and no token`)
  return { header: `Bearer ${token.text}`, ttl: Math.min(Math.max(token.seconds * 1000 - marginMs, 1_000), longestMs) }
}

/** By the password as its header, or by OAuth 2 for an identity token, which must not stand in a URL. */
function tokenRequest(url: URL, auth: RegistryAuth | undefined): Pick<Sent, 'url' | 'method' | 'headers' | 'body'> {
  const accept = 'application/json'
  if (!auth?.identityToken) {
    return { url, method: 'GET', headers: { accept, ...(auth ? { authorization: basic(auth) } : {}) } }
  }
  const fields = new URLSearchParams(url.searchParams)
  fields.set('grant_type', 'refresh_token')
  fields.set('client_id', 'capstan')
  fields.set('refresh_token', auth.identityToken)
  const headers = { accept, 'content-type': 'application/x-www-form-urlencoded' }
  return { url: new URL(url.pathname, url), method: 'POST', headers, body: fields.toString() }
}

function readToken({ body }: Answer): { text: string; seconds: number } | undefined {
  try {
    const parsed = JSON.parse(new TextDecoder().decode(body)) as Record<string, unknown> | null
    const text = parsed?.token || parsed?.access_token
    const seconds = parsed?.expires_in
    if (typeof text !== 'string' || !/^[\x21-\x7e]+$/.test(text)) return undefined
    return { text, seconds: typeof seconds === 'number' && seconds > 0 ? seconds : defaultTokenSeconds }
  } catch {
    return undefined
  }
}
