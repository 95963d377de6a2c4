import { AppError, type Retry } from '../../domain/error.ts'
import type { Reason } from '../../domain/status/reason.ts'
import { refusalOf } from '../../domain/status/refusal.ts'

/** One cause of the server's Status object. */
export type Cause = { reason?: string; message?: string; field?: string }

/** The server's Status object, as far as it is used. */
export type Status = {
  code?: number
  reason?: string
  message?: string
  details?: { name?: string; group?: string; kind?: string; causes?: Cause[]; retryAfterSeconds?: number }
}

/** What was asked: `kind` and `name` of the object for the sentence; `write` for calls that change something. */
export type Asked = { verb: string; kind: string; name: string; write: boolean }

export const maxMessageLength = 1000

const immutable =
  /field is immutable|is immutable|updates to \w+ spec for fields other than|may not be changed|cannot be changed|may not change once set|cannot change roleRef/i
/** RBAC's own sentences. Every other 403 (quota, admission, namespace under deletion) concerns this object only. */
const denied = /\bcannot [a-z]+ (resource|path)\b|not currently held|attempting to grant/i

/** The Status in a body; an empty one for anything else (a proxy's page, plain text): foreign bodies are never shown. */
export function parseStatus(text: string): Status {
  try {
    const body: unknown = JSON.parse(text)
    return body && typeof body === 'object' && (body as { kind?: unknown }).kind === 'Status' ? body : {}
  } catch {
    return {}
  }
}

/**
 * An answer of 4xx or 5xx as AppError, with the server's own sentence. For a Secret only reason and field names are kept,
 * since the server quotes values.
 */
export function refusal(http: number, status: Status, asked: Asked): AppError {
  const { reason, retry } = judge(http, status, asked)
  return new AppError(reason, sentence(http, status, asked), { retry, details: { status: http } })
}

/** Answers that no quota and no webhook gives: who asks is unknown, and the server has too much to do. */
const nobodysWish: ReadonlySet<number> = new Set([401, 429])

type Verdict = { reason: Reason; retry: Retry }

function judge(http: number, status: Status, asked: Asked): Verdict {
  const message = status.message ?? ''
  const unwanted = asked.write && !nobodysWish.has(http) ? refusalOf(message) : undefined
  if (unwanted) return { reason: unwanted, retry: 'backoff' }
  switch (http) {
    case 401:
      return { reason: 'Forbidden', retry: 'backoff' }
    case 403:
      return { reason: !asked.write || denied.test(message) ? 'Forbidden' : 'ApplyRefused', retry: 'backoff' }
    case 404:
      return { reason: missing(status, asked), retry: 'backoff' }
    case 409:
      return { reason: 'OtherWriter', retry: 'backoff' }
    case 422:
      return isImmutable(status)
        ? { reason: 'ImmutableField', retry: 'never' }
        : { reason: 'ApplyRefused', retry: 'backoff' }
    case 429:
      return { reason: 'RateLimited', retry: 'backoff' }
    default:
      return judgeOther(http, status, asked)
  }
}

function judgeOther(http: number, status: Status, asked: Asked): Verdict {
  // The server answers 500 for objects that do not fit their schema (without a reason) and for webhooks that fail: of the
  // errors of this class only those of the storage and of the server itself concern more than this object.
  if (http >= 500 && (!asked.write || http !== 500 || isStorageTrouble(status))) {
    return { reason: 'ClusterUnavailable', retry: 'backoff' }
  }
  if (http >= 500) return { reason: 'ApplyRefused', retry: status.reason ? 'backoff' : 'never' }
  return { reason: asked.write ? 'ApplyRefused' : 'InternalError', retry: 'never' }
}

/** Trouble of the server's storage that passes by itself; a webhook's time-out concerns one object and is none. */
export function isStorageTrouble(status: Status): boolean {
  const message = status.message ?? ''
  return (
    /etcdserver|leader changed|context deadline exceeded/.test(message) && !message.includes('failed calling webhook')
  )
}

/** 404 without a name is the kind's path; a namespace that is missing can still come; else the object itself is gone. */
function missing(status: Status, asked: Asked): Reason {
  if (!status.details?.name) return 'UnknownKind'
  if (status.details.kind === 'namespaces' && asked.kind !== 'Namespace') return 'ApplyRefused'
  return 'OtherWriter'
}

/** True for a 404 that says that this very object is not there. */
export function isAbsent(http: number, status: Status): boolean {
  return http === 404 && Boolean(status.details?.name)
}

/** Nothing else is wrong with the object: who makes it again must not find out after the deletion. */
function isImmutable(status: Status): boolean {
  const causes = (status.details?.causes ?? []).map((cause) => cause.message ?? '')
  const texts = causes.length > 0 ? causes : [status.message ?? '']
  return texts.every((text) => immutable.test(text))
}

function sentence(http: number, status: Status, asked: Asked): string {
  if (http === 401) return 'The API server does not accept our credentials (401).'
  if (asked.kind === 'Secret') return secretSentence(http, status, asked)
  const said = status.message?.replace(/\s+/g, ' ').trim()
  if (!said) return `The API server answered ${http} to ${asked.verb} ${asked.kind} ${asked.name}.`
  return cut(said)
}

/** Texts about Secrets that quote no value. */
const harmless =
  /illegal base64 data at input byte \d+|field is immutable|namespaces? "[^"]*" not found|(?:User "system:serviceaccount:[a-z0-9.:-]+" )?\bcannot [a-z]+ resource "secrets"|exceeded quota|admission webhook "[a-z0-9.-]+" denied the request/gi

function secretSentence(http: number, status: Status, asked: Asked): string {
  const message = status.message ?? ''
  const named = (status.details?.causes ?? []).flatMap((cause) => (cause.field ? [cause.field] : []))
  const quoted = message.match(/(?<=\s|^)\.[\w.-]+(?=:)/g) ?? []
  const fields = [...new Set([...named, ...quoted])]
  const why = [status.reason, ...(message.match(harmless) ?? [])].filter(Boolean).join(': ') || `status ${http}`
  return cut(
    `The API server refused to ${asked.verb} Secret ${asked.name} (${why})${fields.length ? `: ${fields.join(', ')}` : ''}.`,
  )
}

function cut(text: string): string {
  return text.length <= maxMessageLength ? text : `${text.slice(0, maxMessageLength - 1)}…`
}

/** Texts of the `Warning` headers (RFC 9111 §5.5: code, agent, quoted text). */
export function parseWarnings(header: string | string[] | undefined): string[] {
  const values = header === undefined ? [] : Array.isArray(header) ? header : [header]
  return values.flatMap((value) =>
    [...value.matchAll(/\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)].map((match) => cut((match[1] ?? '').replace(/\\(.)/g, '$1'))),
  )
}
