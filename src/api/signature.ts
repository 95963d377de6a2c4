import { createHmac } from 'node:crypto'
import { isSame } from './auth.ts'

/** `sha256=<hex of HMAC-SHA256>`: what signs the body of a push webhook (W34), as GitHub and Gitea do. */
export function sign(body: Uint8Array, secret: string): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
}

/** True when the signature is the one of exactly these bytes. An empty secret signs nothing. */
export function isSigned(body: Uint8Array, signature: string | undefined, secret: string): boolean {
  return secret !== '' && signature !== undefined && isSame(signature, sign(body, secret))
}
