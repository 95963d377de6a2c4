import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import type { PolicyText } from '../image/policy.ts'
import type { UpdateSpec } from './update-spec.ts'

/** What a request may ask for, by the kind of the job that answers it. */
export type RequestAsk =
  /**
   * `files`: an uploaded folder is compared in place of a commit. `ref` empty: what the source follows. `seen`: the namespace that whoever
   * asks may see whole, empty for all, left out for none; see source/proposal.ts.
   */
  | { kind: 'plan-source'; ref: string; files: boolean; full: boolean; seen?: string }
  | { kind: 'change-source'; change: 'approve'; commit: string }
  | { kind: 'change-source'; change: 'suspend'; why: string }
  | { kind: 'change-source'; change: 'resume' }
  | { kind: 'update-images'; update: UpdateSpec }
  /** Why which tags are chosen; of one workload, or of all where it is empty. `all`: every tag, also those that are refused. */
  | { kind: 'update-images'; list: { workload: string; all: boolean } }
  /** What a policy would choose of the tags of an image. */
  | { kind: 'update-images'; test: { policy: PolicyText; image: string } }
  /** `show`: what an upgrade would change, or each value with its source. */
  | { kind: 'plan-release'; show: 'changes' | 'values' }
  /** `revision`: helm's number; 0 for the last good one before the newest. */
  | { kind: 'change-release'; change: 'rollback'; revision: number }
  | { kind: 'change-release'; change: 'suspend'; why: string }
  | { kind: 'change-release'; change: 'resume' }
  | { kind: 'deliver-event'; change: 'test' }
  /** `since`: RFC 3339. */
  | { kind: 'deliver-event'; change: 'replay'; since: string }

/** A request with arguments (W1): a record in Redis that a job only names. Holds no secret. */
export type Request = {
  /** Not to be guessed: 128 random bits as 32 hex digits. */
  id: string
  /** The source or the HelmRelease that it is about. */
  namespace: string
  name: string
  /** Who asks, as claimed. */
  by: string
  /** RFC 3339, by the clock of the API; for changes of an object after that of the one before. */
  at: string
  /** RFC 3339; empty until it was answered. What has ended is not done again. */
  endedAt: string
  ask: RequestAsk
}

const mostBytes = 64 * 1024
const idPattern = /^[0-9a-f]{32}$/
/** Kubernetes' own limit, which a job's name keeps. */
const mostNameLength = 253

/**
 * The key that signs what api and worker tell each other through Redis; made from the API's token (HKDF-SHA-256), which both have and
 * Redis has not.
 */
export function requestKey(token: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', token, '', 'capstan requests', 32))
}

/** Where a request lies in the store. */
export function requestRecord(id: string): string {
  return `request:${id}`
}

/** The name of the job that answers a request: `<source>@<request id>`; a long source name is cut, the record has it whole. */
export function requestJobName({ id, name }: Pick<Request, 'id' | 'name'>): string {
  return `${name.slice(0, mostNameLength - 1 - id.length)}@${id}`
}

/** The id in the name of a job; undefined when it names no request. */
export function requestIdOf(jobName: string): string | undefined {
  const id = jobName.slice(jobName.lastIndexOf('@') + 1)
  return jobName.includes('@') && isRequestId(id) ? id : undefined
}

/** Whether a text can be the id of a request. */
export function isRequestId(text: string): boolean {
  return idPattern.test(text)
}

/** A record's text, signed for the place where it lies: neither its content nor its place can be changed. Undefined beyond 64 KB. */
export function sealRequest(request: Request, key: Uint8Array): string | undefined {
  const text = seal(JSON.stringify(request), { place: requestRecord(request.id), key })
  return new TextEncoder().encode(text).length <= mostBytes ? text : undefined
}

/** The request of a record; undefined when it was not signed by us for this id (Redis is untrusted, hazard B7). */
export function openRequest(text: string, id: string, key: Uint8Array): Request | undefined {
  const body = open(text, { place: requestRecord(id), key })
  return body === undefined ? undefined : (JSON.parse(body) as Request)
}

/** A text signed for one place in the store. */
export function seal(body: string, { place, key }: { place: string; key: Uint8Array }): string {
  return `${signatureOf(body, place, key)} ${body}`
}

/** The text, when it was signed with this key for this place; else undefined. */
export function open(text: string, { place, key }: { place: string; key: Uint8Array }): string | undefined {
  const [signature, body] = [text.slice(0, 64), text.slice(65)]
  const given = new TextEncoder().encode(signature)
  const right = new TextEncoder().encode(signatureOf(body, place, key))
  return given.length === right.length && timingSafeEqual(given, right) ? body : undefined
}

function signatureOf(body: string, place: string, key: Uint8Array): string {
  return createHmac('sha256', key).update(`${place.length}:${place}`).update(body).digest('hex')
}
