import { AppError } from '../../domain/error.ts'
import { readBudget } from '../../domain/image/rate-budget.ts'
import type { Answer } from './connections.ts'

/** Without a time of its own, a registry that refuses for too many requests is asked again after this (hazard E2). */
const defaultPauseMs = 5 * 60_000
const shortestPauseMs = 1_000
const longestPauseMs = 3600_000

/** What went wrong with an answer, in words of the house. `what` is what was asked for: "the tags of h/p". */
export function failureOf(host: string, what: string, { status, body }: Answer): AppError {
  if (status === 401 || status === 403) {
    return new AppError(
      'RegistryAuthFailed',
      `${host} refused access to ${what} (${status}); check the image pull secret`,
    )
  }
  const code = errorCode(body)
  return new AppError('RegistryUnreachable', `${host} answered ${status}${code ? ` ${code}` : ''} for ${what}`)
}

/** A registry that did not answer, or not as one does. */
export function unreachable(host: string, why: string, cause?: unknown): AppError {
  return new AppError('RegistryUnreachable', `${host}: ${why}`, { cause })
}

/** The host asks us to slow down. */
export function rateLimited(host: string, afterMs: number): AppError {
  return new AppError('RateLimited', `${host} asks us to wait ${Math.ceil(afterMs / 1000)} s`, { retry: { afterMs } })
}

/** Whether a registry says in its own words that a thing does not exist; a 404 of anything else is no answer. */
export function isAbsent({ status, body }: Answer, method: 'GET' | 'HEAD'): boolean {
  if (status !== 404) return false
  if (method === 'HEAD') return true
  return /^(?:NAME_UNKNOWN|MANIFEST_UNKNOWN|BLOB_UNKNOWN|NOT_FOUND)$/.test(errorCode(body))
}

/** How long to leave the host alone after 429: `Retry-After` in seconds or as a date, else until the host counts anew. */
export function pauseAfter({ headers }: Answer, now: number): number {
  const retry = headers['retry-after']
  const after = secondsOf(retry) ?? untilDate(retry, now) ?? untilDate(readBudget(headers, now)?.resetAt, now)
  return after === undefined ? defaultPauseMs : Math.min(Math.max(after, shortestPauseMs), longestPauseMs)
}

function secondsOf(text: string | string[] | undefined): number | undefined {
  return typeof text === 'string' && /^\s*\d{1,9}(?:\.\d+)?\s*$/.test(text) ? Number(text) * 1000 : undefined
}

function untilDate(text: string | string[] | undefined, now: number): number | undefined {
  const at = typeof text === 'string' ? Date.parse(text) : Number.NaN
  return Number.isNaN(at) ? undefined : Math.max(at - now, 0)
}

/** The code of the first error in the body; empty where there is none that may be printed. */
function errorCode(body: Uint8Array): string {
  if (body.length > 64 * 1024) return ''
  try {
    const parsed = JSON.parse(new TextDecoder().decode(body)) as { errors?: { code?: unknown }[] }
    const code = parsed.errors?.[0]?.code
    return typeof code === 'string' && /^[A-Z_]{1,40}$/.test(code) ? code : ''
  } catch {
    return ''
  }
}

/** What the network said, in a few words. Never the whole error: it may hold an address with a login. */
export function networkWords(error: unknown): string {
  const code = findCode(error)
  switch (code) {
    case 'ECONNREFUSED':
      return 'refused the connection'
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'the name of the host is not known'
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
      return 'no connection within 10 s'
    case 'ECONNRESET':
    case 'UND_ERR_SOCKET':
    case 'EPIPE':
      return 'the connection broke off'
    case '':
      return 'the request failed'
    default:
      return `the request failed (${code})`
  }
}

function findCode(error: unknown): string {
  const { code, cause, errors } = (error ?? {}) as { code?: unknown; cause?: unknown; errors?: unknown[] }
  if (typeof code === 'string' && /^[A-Z0-9_]{1,60}$/.test(code)) return code
  if (cause) return findCode(cause)
  return errors?.length ? findCode(errors[0]) : ''
}
