import { readFile } from 'node:fs/promises'
import { parseFields } from '../image-time.ts'
import { type AskCloud, hostOf } from './ask.ts'
import type { Lent } from './lent.ts'

type AzureDeps = {
  ask: AskCloud
  env: Readonly<Record<string, string | undefined>>
  now: () => Date
  /** The cloud provider's file on a node, usually `/etc/kubernetes/azure.json`. */
  file: string
}

const metadataServer = 'http://169.254.169.254'
const authority = 'https://login.microsoftonline.com'
/** Which Azure a token is asked for; the registries take a token for any part of it. */
const resource = 'https://management.azure.com/'
/** Who logs in with the token of a registry in place of a password. */
const tokenUser = '00000000-0000-0000-0000-000000000000'
const clientIsForeverMs = 24 * 3600_000
/** The registry's own token lasts three hours. */
const exchangedMs = 3 * 3600_000

/**
 * The login for one registry of Azure: the client of azure.json as the ancestor had it (flux-v1 §14), else the identity of the pod
 * (workload identity) or of the machine, exchanged at the registry itself. Rejects with an Error of a few words.
 */
export async function askAzure(
  registry: { host: string; insecure: boolean },
  deps: AzureDeps,
  signal?: AbortSignal,
): Promise<Lent> {
  const { now, env } = deps
  const settings = await readSettings(deps.file)
  if (settings.clientId && settings.clientSecret) {
    const auth = { username: settings.clientId, password: settings.clientSecret }
    return { auth, until: now().getTime() + clientIsForeverMs }
  }
  const token = env.AZURE_FEDERATED_TOKEN_FILE
    ? await askAuthority(deps, env.AZURE_FEDERATED_TOKEN_FILE, signal)
    : await askMachine(deps, env.AZURE_CLIENT_ID || settings.identity, signal)
  return await exchange(registry, token, deps, signal)
}

type Settings = { clientId?: string; clientSecret?: string; identity?: string }

async function readSettings(file: string): Promise<Settings> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const { aadClientId, aadClientSecret, userAssignedIdentityID } = parseFields(text) ?? {}
  const identity = typeof userAssignedIdentityID === 'string' ? { identity: userAssignedIdentityID } : {}
  // `msi` stands for the identity of the machine
  if (typeof aadClientId !== 'string' || typeof aadClientSecret !== 'string' || aadClientId === 'msi') return identity
  return { clientId: aadClientId, clientSecret: aadClientSecret, ...identity }
}

async function askAuthority({ ask, env }: AzureDeps, file: string, signal?: AbortSignal): Promise<string> {
  const base = (env.AZURE_AUTHORITY_HOST || authority).replace(/\/$/, '')
  const url = `${base}/${encodeURIComponent(env.AZURE_TENANT_ID ?? '')}/oauth2/v2.0/token`
  const fields = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: env.AZURE_CLIENT_ID ?? '',
    scope: `${resource}.default`,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: (await readFile(file, 'utf8')).trim(),
  })
  return readToken(await ask({ url, ...form(fields) }, signal), 'access_token', hostOf(url))
}

async function askMachine({ ask, env }: AzureDeps, clientId = '', signal?: AbortSignal): Promise<string> {
  const base = (env.AZURE_POD_IDENTITY_AUTHORITY_HOST || metadataServer).replace(/\/$/, '')
  const fields = new URLSearchParams({ 'api-version': '2018-02-01', resource })
  if (clientId) fields.set('client_id', clientId)
  const url = `${base}/metadata/identity/oauth2/token?${fields.toString()}`
  const answer = await ask({ url, headers: { metadata: 'true' }, route: 'local' }, signal)
  return readToken(answer, 'access_token', 'the metadata server of Azure')
}

async function exchange(
  { host, insecure }: { host: string; insecure: boolean },
  token: string,
  { ask, now }: AzureDeps,
  signal?: AbortSignal,
): Promise<Lent> {
  const fields = new URLSearchParams({ grant_type: 'access_token', service: host, access_token: token })
  const route = insecure ? { route: 'insecure' as const } : {}
  const answer = await ask({ url: `https://${host}/oauth2/exchange`, ...form(fields), ...route }, signal)
  const password = readToken(answer, 'refresh_token', host)
  return { auth: { username: tokenUser, password }, until: now().getTime() + exchangedMs }
}

function form(fields: URLSearchParams): { method: 'POST'; headers: Record<string, string>; body: string } {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return { method: 'POST', headers, body: fields.toString() }
}

function readToken({ status, text }: { status: number; text: string }, field: string, whose: string): string {
  const token = parseFields(text)?.[field]
  if (status !== 200 || typeof token !== 'string' || token === '')
    throw new Error(`${whose} gives no token (${status})`)
  return token
}
