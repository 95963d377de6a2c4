import { createHash, createPrivateKey, type KeyObject, sign } from 'node:crypto'
import { AppError } from '../../domain/error.ts'
import type { Egress } from '../../lib/egress.ts'
import { createSteadyClock } from '../../lib/steady-clock.ts'
import type { GitRemote } from './remote.ts'

export type GithubAppOptions = {
  egress: Egress
  /** Milliseconds since 1970. */
  now: () => number
}

/** One installation of an app. */
export type Installation = {
  appId: string
  installationId: string
  /** PEM, as GitHub gives it. */
  privateKey: string
  /** Default `https://api.github.com`; of an own server `https://host/api/v3`. */
  apiUrl?: string
}

export type GithubApp = {
  /** The login for git over https, good for at least 5 minutes. Throws GitAuthFailed or GitUnreachable. */
  login(installation: Installation, signal?: AbortSignal): Promise<NonNullable<GitRemote['auth']>>
}

type Token = { token: string; expiresAt: number }

const renewBeforeMs = 5 * 60_000

/** Logins of GitHub Apps: a token of an hour, made with the app's key and kept until 5 minutes before its end. */
export function createGithubApp({ egress, now }: GithubAppOptions): GithubApp {
  const tokens = new Map<string, Token>()
  const clock = createSteadyClock(now)

  /** Its end by the steady clock. */
  async function renewed(installation: Installation, signal: AbortSignal | undefined): Promise<Token> {
    const { token, expiresAt } = await ask(installation, { egress, now }, signal)
    return { token, expiresAt: clock() + expiresAt - now() }
  }

  return {
    async login(installation, signal) {
      const { appId, installationId, privateKey, apiUrl = 'https://api.github.com' } = installation
      const account = `${apiUrl} app ${appId} installation ${installationId}`
      // ids are no secret: only who has the key gets the token that it made
      const key = `${account} ${createHash('sha256').update(privateKey).digest('hex')}`
      const kept = tokens.get(key)
      const isGood = kept !== undefined && kept.expiresAt - clock() > renewBeforeMs
      const token = isGood ? kept : await renewed(installation, signal)
      tokens.set(key, token)
      return { kind: 'basic', username: 'x-access-token', password: token.token, account }
    },
  }
}

async function ask(
  { appId, installationId, privateKey, apiUrl = 'https://api.github.com' }: Installation,
  { egress, now }: GithubAppOptions,
  signal: AbortSignal | undefined,
): Promise<Token> {
  if (!/^\d+$/.test(installationId)) throw refused('the installation id of the GitHub App is not a number')
  const jwt = makeJwt(appId, readKey(privateKey), now())
  const response = await egress({
    method: 'POST',
    url: `${apiUrl}/app/installations/${installationId}/access_tokens`,
    headers: {
      authorization: `Bearer ${jwt}`,
      accept: 'application/vnd.github+json',
      'x-github-api-version': '2022-11-28',
    },
    maxBytes: 1024 * 1024,
    timeoutMs: 15_000,
    ...(signal ? { signal } : {}),
  }).catch((error: unknown) => {
    signal?.throwIfAborted()
    throw new AppError('GitUnreachable', `no token for the GitHub App: ${new URL(apiUrl).host} does not answer`, {
      cause: error,
    })
  })
  if (response.status !== 201) throw refusedWith(response.status, new URL(apiUrl).host)
  return readToken(response.body)
}

function refusedWith(status: number, host: string): AppError {
  if (status >= 500 || status === 429)
    return new AppError('GitUnreachable', `${host} gave no token for the GitHub App (${status})`)
  return refused(`${host} refused a token for the GitHub App (${status}): check app id, installation id and key`)
}

function readToken(body: Uint8Array): Token {
  const answer = parse(Buffer.from(body).toString())
  const { token, expires_at: end } = answer as { token?: unknown; expires_at?: unknown }
  const expiresAt = typeof end === 'string' ? Date.parse(end) : Number.NaN
  if (typeof token !== 'string' || token === '' || Number.isNaN(expiresAt)) {
    throw new AppError('GitUnreachable', 'the answer to a request for a token of the GitHub App cannot be read')
  }
  return { token, expiresAt }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) ?? {}
  } catch {
    return {}
  }
}

/** From a minute ago, since clocks differ, for nine minutes; GitHub takes ten at most. */
function makeJwt(appId: string, key: KeyObject, nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000)
  const claims = { iat: seconds - 60, exp: seconds + 9 * 60, iss: appId }
  const text = [{ alg: 'RS256', typ: 'JWT' }, claims].map((part) => encode(JSON.stringify(part))).join('.')
  return `${text}.${encode(sign('sha256', Buffer.from(text), key))}`
}

function encode(content: string | Uint8Array): string {
  return Buffer.from(content).toString('base64url')
}

function readKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch {
    throw refused('the private key of the GitHub App cannot be read: give it as PEM, as GitHub made it')
  }
}

function refused(message: string): AppError {
  return new AppError('GitAuthFailed', message)
}
