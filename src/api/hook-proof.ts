import { createHmac } from 'node:crypto'
import { isSame } from './auth.ts'
import { isSigned } from './signature.ts'

type Headers = Readonly<Record<string, string | string[] | undefined>>

/** Headers with the HMAC-SHA256 of the body as hex, with or without `sha256=` before it. The first that is there counts. */
const hexHeaders = [
  'x-capstan-signature-256',
  'x-hub-signature-256',
  'x-forgejo-signature',
  'x-gitea-signature',
  'x-hub-signature',
] as const
const bareHex = new Set<string>(['x-forgejo-signature', 'x-gitea-signature'])

/** How far the clock of a sender may be off (Standard Webhooks). */
const clockMs = 5 * 60_000

/**
 * True when whoever sent these bytes knows the secret: by one of the signatures that forges make (GitHub, Gitea, Forgejo, Bitbucket,
 * GitLab's signing token), or by GitLab's secret token, which is the secret itself. The bytes are those that came over the wire;
 * nobody has looked into them yet (hazard L4). An empty secret proves nothing.
 */
export function isProven(
  headers: Headers,
  body: Uint8Array,
  { secret, now }: { secret: string; now: number },
): boolean {
  if (secret === '') return false
  for (const header of hexHeaders) {
    const given = textOf(headers[header])
    if (given !== undefined) return isSigned(body, bareHex.has(header) ? `sha256=${given}` : given, secret)
  }
  if (headers['webhook-signature'] !== undefined) return isStandardSigned(headers, body, { secret, now })
  const token = textOf(headers['x-gitlab-token'])
  return token !== undefined && isSame(token, secret)
}

/** `v1,<base64>` over `id.timestamp.body`, as Standard Webhooks has it and GitLab sends it for its signing token (`whsec_…`). */
function isStandardSigned(
  headers: Headers,
  body: Uint8Array,
  { secret, now }: { secret: string; now: number },
): boolean {
  const id = textOf(headers['webhook-id']) ?? ''
  const timestamp = textOf(headers['webhook-timestamp']) ?? ''
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(now - Number(timestamp) * 1000) > clockMs) return false
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret)
  if (key.length === 0) return false
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')
  const given = (textOf(headers['webhook-signature']) ?? '').split(' ', 10)
  return given.some((signature) => isSame(signature, `v1,${expected}`))
}

function textOf(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}
