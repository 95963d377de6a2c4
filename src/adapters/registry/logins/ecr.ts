import { decodeBase64 } from '../../../domain/image/credentials.ts'
import type { RegistryAuth } from '../access.ts'
import { isFields, parseFields } from '../image-time.ts'
import { hostOf } from './ask.ts'
import { type AwsDeps, findAwsKeys } from './aws-keys.ts'
import { signForAws } from './aws-signature.ts'
import type { Lent } from './lent.ts'

const operation = 'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken'
/** What AWS promises for a token without a time of its own. */
const usualMs = 12 * 3600_000

/** The login for all registries of a region that the keys of this process may read. Rejects with an Error of a few words. */
export async function askEcr(
  place: { region: string; domain: string },
  deps: AwsDeps & { now: () => Date },
  signal?: AbortSignal,
): Promise<Lent> {
  const { region, domain } = place
  const { ask, env, now } = deps
  const keys = await findAwsKeys(deps, place, signal)
  const url = new URL(env.AWS_ENDPOINT_URL_ECR || env.AWS_ENDPOINT_URL || `https://api.ecr.${region}.${domain}/`)
  const body = '{}'
  const plain = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': operation }
  const signing = { service: 'ecr', region, now: now() }
  const { host: _, ...headers } = signForAws({ method: 'POST', url, headers: plain, body }, keys, signing)
  const { status, text } = await ask({ url: url.href, method: 'POST', headers, body }, signal)
  const answer = parseFields(text)
  if (status !== 200) throw new Error(`${hostOf(url.href)} gives no login (${status} ${errorOf(answer)})`)
  const entries: unknown = answer?.authorizationData
  const data: unknown = Array.isArray(entries) ? entries[0] : undefined
  const auth = isFields(data) ? readToken(data.authorizationToken) : undefined
  if (!isFields(data) || !auth) throw new Error(`${hostOf(url.href)} answered without a login`)
  const until = typeof data.expiresAt === 'number' ? data.expiresAt * 1000 : now().getTime() + usualMs
  return { auth, until }
}

function readToken(token: unknown): RegistryAuth | undefined {
  const [, username, password] = /^([^:]+):(.+)$/s.exec(typeof token === 'string' ? decodeBase64(token) : '') ?? []
  return username && password ? { username, password } : undefined
}

/** The name of AWS' error, without its message. */
function errorOf(answer: Record<string, unknown> | undefined): string {
  const type = answer?.__type
  return typeof type === 'string' && /^[\w.#]{1,100}$/.test(type) ? (type.split('#').at(-1) ?? '') : ''
}
