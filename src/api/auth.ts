import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { isLocalName } from './loopback.ts'

/** The token in an Authorization header, as `Bearer T` or as fluxctl sends it, `Scope-Probe token=T` (W34). */
export function tokenOf(header: string | undefined): string | undefined {
  return /^(?:bearer +|scope-probe +token=)(\S+)$/i.exec(header ?? '')?.[1]
}

/** Compares in a time that tells nothing about either text. */
export function isSame(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/**
 * True for a call from this machine to this machine under its own name. The Host header keeps out a page of another site whose name
 * was pointed at 127.0.0.1 (DNS rebinding), the forwarding headers a proxy beside us that serves others.
 */
export function isFromHere({ socket, headers }: Pick<FastifyRequest, 'socket' | 'headers'>): boolean {
  if (!isLoopback(socket.remoteAddress) || !isLoopback(socket.localAddress)) return false
  if (headers.forwarded || headers['x-forwarded-for'] || headers['x-forwarded-host']) return false
  return isLocalName(headers.host)
}

function isLoopback(address: string | undefined): boolean {
  return /^(?:::ffff:)?127(?:\.\d{1,3}){3}$|^::1$/i.test(address ?? '')
}
