import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseFields } from '../image-time.ts'
import { type AskCloud, hostOf } from './ask.ts'
import type { AwsKeys } from './aws-signature.ts'

type Environment = Readonly<Record<string, string | undefined>>
export type AwsDeps = { ask: AskCloud; env: Environment }

/** Where the machine's own metadata server is; AWS' own variable for another place. */
const metadataServer = 'http://169.254.169.254'
const tokenSeconds = '21600'
/** Of the server that gives keys to a task or pod. */
const containerServer = 'http://169.254.170.2'

/**
 * The keys of this process, from the first of the places where AWS' own programs look that has some: the environment, the role of
 * the pod's service account, the shared file, the container's or the machine's role. Rejects with an Error of a few words.
 */
export async function findAwsKeys(
  deps: AwsDeps,
  place: { region: string; domain: string },
  signal?: AbortSignal,
): Promise<AwsKeys> {
  const { env } = deps
  if (env.AWS_ACCESS_KEY_ID && env.AWS_SECRET_ACCESS_KEY) {
    return keysOf(env.AWS_ACCESS_KEY_ID, env.AWS_SECRET_ACCESS_KEY, env.AWS_SESSION_TOKEN)
  }
  if (env.AWS_WEB_IDENTITY_TOKEN_FILE && env.AWS_ROLE_ARN) return await assumeRole(deps, place, signal)
  return (await readSharedFile(env)) ?? (await askContainer(deps, signal)) ?? (await askMachine(deps, signal))
}

/** The region that this process runs in: what the environment says, else the metadata server. */
export async function findAwsRegion({ ask, env }: AwsDeps, signal?: AbortSignal): Promise<string> {
  const given = env.AWS_REGION || env.AWS_DEFAULT_REGION
  if (given) return given
  const region = (await askMetadata({ ask, env }, 'placement/region', signal)).trim()
  if (!/^[a-z0-9-]{1,40}$/.test(region)) throw new Error('the metadata server of EC2 names no region')
  return region
}

function keysOf(accessKeyId: string, secretAccessKey: string, sessionToken = ''): AwsKeys {
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) }
}

async function assumeRole(
  { ask, env }: AwsDeps,
  { region, domain }: { region: string; domain: string },
  signal?: AbortSignal,
): Promise<AwsKeys> {
  const token = await readFile(env.AWS_WEB_IDENTITY_TOKEN_FILE ?? '', 'utf8')
  const url = env.AWS_ENDPOINT_URL_STS || env.AWS_ENDPOINT_URL || `https://sts.${region}.${domain}/`
  const fields = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: env.AWS_ROLE_ARN ?? '',
    RoleSessionName: env.AWS_ROLE_SESSION_NAME || 'capstan',
    WebIdentityToken: token.trim(),
  })
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const { status, text } = await ask({ url, method: 'POST', headers, body: fields.toString() }, signal)
  const field = (name: string) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(text)?.[1]
  const [id, secret, session] = ['AccessKeyId', 'SecretAccessKey', 'SessionToken'].map(field)
  if (status === 200 && id && secret) return keysOf(id, secret, session)
  throw new Error(`${hostOf(url)} gives no keys for the role of the service account (${status} ${field('Code') ?? ''})`)
}

async function readSharedFile(env: Environment): Promise<AwsKeys | undefined> {
  const path = env.AWS_SHARED_CREDENTIALS_FILE || (env.HOME ? join(env.HOME, '.aws/credentials') : '')
  const text = path === '' ? '' : await readFile(path, 'utf8').catch(() => '')
  const profile = env.AWS_PROFILE || 'default'
  let section = ''
  const found = new Map<string, string>()
  for (const line of text.split('\n')) {
    section = /^\s*\[\s*(.+?)\s*\]/.exec(line)?.[1] ?? section
    const [, name, value] = /^\s*(\w+)\s*=\s*(\S+)\s*$/.exec(line) ?? []
    if (section === profile && name && value) found.set(name, value)
  }
  const [id, secret] = [found.get('aws_access_key_id'), found.get('aws_secret_access_key')]
  return id && secret ? keysOf(id, secret, found.get('aws_session_token')) : undefined
}

async function askContainer({ ask, env }: AwsDeps, signal?: AbortSignal): Promise<AwsKeys | undefined> {
  const relative = env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI
  const url = relative ? `${containerServer}${relative}` : env.AWS_CONTAINER_CREDENTIALS_FULL_URI
  if (!url) return undefined
  const file = env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE
  const token = file ? (await readFile(file, 'utf8')).trim() : env.AWS_CONTAINER_AUTHORIZATION_TOKEN
  const headers = token ? { authorization: token } : {}
  return readKeys(await ask({ url, headers, route: 'local' }, signal), hostOf(url))
}

async function askMachine(deps: AwsDeps, signal?: AbortSignal): Promise<AwsKeys> {
  const role = (await askMetadata(deps, 'iam/security-credentials/', signal)).split('\n')[0]?.trim() ?? ''
  if (!/^[\w+=,.@-]{1,128}$/.test(role)) throw new Error('this machine has no role at AWS')
  const text = await askMetadata(deps, `iam/security-credentials/${role}`, signal)
  return readKeys({ status: 200, text }, 'the metadata server of EC2')
}

/** By the second version, which wants a token first. */
async function askMetadata({ ask, env }: AwsDeps, path: string, signal?: AbortSignal): Promise<string> {
  const base = (env.AWS_EC2_METADATA_SERVICE_ENDPOINT || metadataServer).replace(/\/$/, '')
  const asking = { 'x-aws-ec2-metadata-token-ttl-seconds': tokenSeconds }
  const token = await ask({ url: `${base}/latest/api/token`, method: 'PUT', headers: asking, route: 'local' }, signal)
  if (token.status !== 200) throw new Error(`the metadata server of EC2 gives no token (${token.status})`)
  const headers = { 'x-aws-ec2-metadata-token': token.text }
  const { status, text } = await ask({ url: `${base}/latest/meta-data/${path}`, headers, route: 'local' }, signal)
  if (status !== 200) throw new Error(`the metadata server of EC2 answers ${status} for ${path}`)
  return text
}

function readKeys({ status, text }: { status: number; text: string }, whose: string): AwsKeys {
  const { AccessKeyId: id, SecretAccessKey: secret, Token: session } = parseFields(text) ?? {}
  if (status !== 200 || typeof id !== 'string' || typeof secret !== 'string') {
    throw new Error(`${whose} gives no keys (${status})`)
  }
  return keysOf(id, secret, typeof session === 'string' ? session : undefined)
}
