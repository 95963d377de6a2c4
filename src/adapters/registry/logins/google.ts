import { parseFields } from '../image-time.ts'
import type { AskCloud } from './ask.ts'
import type { Lent } from './lent.ts'

/** The token of the machine's or pod's service account, as a login for Google's registries. Rejects with an Error of a few words. */
export async function askGoogle(
  { ask, env, now }: { ask: AskCloud; env: Readonly<Record<string, string | undefined>>; now: () => Date },
  signal?: AbortSignal,
): Promise<Lent> {
  const server = env.GCE_METADATA_HOST || 'metadata.google.internal'
  const url = `http://${server}/computeMetadata/v1/instance/service-accounts/default/token`
  const { status, text } = await ask({ url, headers: { 'metadata-flavor': 'Google' }, route: 'local' }, signal)
  const { access_token: token, expires_in: seconds } = parseFields(text) ?? {}
  if (status !== 200 || typeof token !== 'string' || token === '' || typeof seconds !== 'number') {
    throw new Error(`the metadata server of Google gives no token (${status})`)
  }
  return { auth: { username: 'oauth2accesstoken', password: token }, until: now().getTime() + seconds * 1000 }
}
