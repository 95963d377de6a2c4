import { type JobKind, type JobPayload, jobKinds } from './job.ts'

/** Law 2: a job is at most 1 KB of JSON. */
const mostBytes = 1024
const mostNameLength = 253
const mostNamespaceLength = 63
const mostReasonLength = 200

const safeName = /^[A-Za-z0-9](?:[A-Za-z0-9._:/@-]*[A-Za-z0-9])?$/
const safeNamespace = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/
const utcTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u
const fields = ['kind', 'namespace', 'name', 'reason', 'requestedAt']

type Read = { payload: JobPayload } | { problem: string }

function bytesOf(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value)).length
}

function isKind(value: unknown): value is JobKind {
  return jobKinds.some((kind) => kind === value)
}

function isName(value: unknown, pattern: RegExp, mostLength: number): value is string {
  return typeof value === 'string' && value.length <= mostLength && pattern.test(value)
}

/** What is wrong with the fields of a payload; undefined when nothing is. Never repeats their content. */
function problemOf(data: Record<string, unknown>): string | undefined {
  const { kind, namespace, name, reason, requestedAt } = data
  if (Object.keys(data).some((key) => !fields.includes(key))) return 'it has fields that no job has'
  if (!isKind(kind)) return 'its kind is unknown'
  if (namespace !== '' && !isName(namespace, safeNamespace, mostNamespaceLength)) return 'its namespace is not a name'
  if (!isName(name, safeName, mostNameLength)) return 'its name is not a name'
  if (typeof reason !== 'string' || reason.length > mostReasonLength * 2) return 'its reason is not a short text'
  if (unprintable.test(reason)) return 'its reason holds characters that cannot be printed'
  if (typeof requestedAt !== 'string' || !utcTime.test(requestedAt)) return 'its time is not an RFC 3339 time in UTC'
  if (bytesOf(data) > mostBytes) return `it is larger than ${mostBytes} bytes`
  return undefined
}

/**
 * Reads what came out of the queue. Redis is untrusted input (hazard B7): anything that is not exactly the five
 * fields of a job is a problem, told in words that repeat nothing of it.
 */
export function readPayload(data: unknown): Read {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return { problem: 'it is not an object' }
  const problem = problemOf(data as Record<string, unknown>)
  return problem ? { problem } : { payload: data as JobPayload }
}

/**
 * Makes a payload for a request. A long or unprintable reason is cut and cleaned; a wrong name is a problem.
 * `now` is an RFC 3339 time in UTC.
 */
export function makePayload(request: Omit<JobPayload, 'requestedAt'>, now: string): Read {
  const { kind, namespace, name } = request
  const clean = request.reason.replaceAll(new RegExp(unprintable, 'gu'), ' ').trim()
  let length = mostReasonLength
  let payload: JobPayload = { kind, namespace, name, reason: cut(clean, length), requestedAt: now }
  while (bytesOf(payload) > mostBytes && length > 0) {
    length = Math.floor(length / 2)
    payload = { ...payload, reason: cut(clean, length) }
  }
  return readPayload(payload)
}

/** By characters, not code units: half a character is no text. */
function cut(text: string, length: number): string {
  const characters = Array.from(text)
  return characters.length <= length ? text : `${characters.slice(0, Math.max(length - 1, 0)).join('')}…`
}
