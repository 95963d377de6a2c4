import { createHash, timingSafeEqual } from 'node:crypto'

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
