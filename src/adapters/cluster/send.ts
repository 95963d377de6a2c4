import type { Dispatcher } from 'undici'
import { AppError } from '../../domain/error.ts'
import type { Logger } from '../../lib/logger.ts'
import type { Connection } from './connect.ts'
import { isStorageTrouble, parseStatus } from './failure.ts'
import { withLastCheck } from './last-check.ts'
import type { InFlight, Urgency } from './limit.ts'

/** One request to the API server. */
type Call = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: string
  query?: Record<string, string>
  headers?: Record<string, string>
  body?: string
  urgency: Urgency
  /** Counts from the sending, not from the waiting for a turn. Default 30 s. */
  deadlineMs?: number
  /** May be sent again when it is not known whether it arrived. */
  idempotent: boolean
  /** A 5xx is an answer like others: not asked again. */
  troubleIsAnswer?: boolean
  signal?: AbortSignal | undefined
}

/** Any HTTP answer that is not an order to slow down. */
export type Answer = { status: number; headers: Dispatcher.ResponseData['headers']; text: string }

/** Told of each request that is sent again, for the metrics. */
export type RetryNote = { method: string; path: string; attempt: number; why: string }

export type Send = (call: Call) => Promise<Answer>

type Parts = {
  connection: Connection
  inFlight: InFlight
  log: Logger
  onRetry?: (note: RetryNote) => void
  /** Called right before a write is sent; what it throws ends the call. */
  check?: () => void
}

const maxResends = 3
const maxSlowDowns = 5
const defaultDeadlineMs = 30_000

/** What one attempt came to: an answer, or why and when to try again. */
type Again = { again: string; afterMs: number; slow: boolean; error: AppError }

/**
 * Sends with deadline, limit in flight and retries: connection errors and passing server trouble ≤ 3 times for idempotent
 * calls, 429 ≤ 5 times at the time the server gave, an expired credential once. Throws `ClusterUnavailable`, `RateLimited` or
 * the reason of the caller's signal.
 */
export function createSend(parts: Parts): Send {
  return async function send(call: Call): Promise<Answer> {
    let resends = 0
    let slowDowns = 0
    let renewed = false
    for (let attempt = 1; ; attempt++) {
      const result = await attemptOnce(call, parts)
      if (!('again' in result)) {
        if (result.status !== 401 || renewed) return result
        renewed = true
        parts.connection.forgetCredentials()
        continue
      }
      const spent = result.slow ? ++slowDowns > maxSlowDowns : ++resends > maxResends
      if (spent) throw result.error
      parts.log.debug({ method: call.method, path: call.path, attempt, why: result.again }, 'request is sent again')
      parts.onRetry?.({ method: call.method, path: call.path, attempt, why: result.again })
      await pause(result.slow ? result.afterMs : result.afterMs * 2 ** (resends - 1), call.signal)
    }
  }
}

async function attemptOnce(call: Call, parts: Parts): Promise<Answer | Again> {
  const giveBack = await parts.inFlight.take(call.urgency, call.signal)
  try {
    const check = isWrite(call) ? parts.check : undefined
    check?.()
    return judgeAnswer(await exchange(call, parts.connection, check), call, parts)
  } catch (error) {
    call.signal?.throwIfAborted()
    if (error instanceof AppError) throw error
    const lost = unreachable(error, parts.connection.server)
    if (!mayResend(error, call)) throw lost
    return { again: codeOf(error), afterMs: jitter(100), slow: false, error: lost }
  } finally {
    giveBack()
  }
}

/** A dry run changes nothing. */
function isWrite({ method, query }: Call): boolean {
  return method !== 'GET' && query?.dryRun === undefined
}

function judgeAnswer(answer: Answer, call: Call, { inFlight }: Parts): Answer | Again {
  if (answer.status === 429) {
    inFlight.slowDown()
    const waitMs = retryAfterMs(answer) ?? 1000
    const error = new AppError('RateLimited', 'The API server asks us to slow down (429).', {
      retry: { afterMs: waitMs },
    })
    return { again: '429', afterMs: jitter(waitMs), slow: true, error }
  }
  inFlight.accepted()
  if (answer.status < 500 || !call.idempotent || call.troubleIsAnswer) return answer
  const status = parseStatus(answer.text)
  if (answer.status === 500 && !isStorageTrouble(status)) return answer
  const message = `The API server has trouble (${answer.status}): ${status.message?.replace(/\s+/g, ' ').slice(0, 300) ?? 'no words'}.`
  const error = new AppError('ClusterUnavailable', message)
  return { again: String(answer.status), afterMs: jitter(retryAfterMs(answer) ?? 300), slow: false, error }
}

async function exchange(call: Call, connection: Connection, check: (() => void) | undefined): Promise<Answer> {
  const line = await connection.line('request')
  const deadline = new Deadline(call.deadlineMs ?? defaultDeadlineMs, call.signal)
  try {
    const dispatcher = check ? withLastCheck(line.dispatcher, check) : line.dispatcher
    const response = await dispatcher.request({
      origin: connection.server,
      path: `${connection.basePath}${call.path}${queryText(call.query)}`,
      method: call.method,
      headers: { accept: 'application/json', 'user-agent': 'capstan', ...line.headers, ...call.headers },
      body: call.body ?? null,
      signal: deadline.signal,
    })
    return { status: response.statusCode, headers: response.headers, text: await response.body.text() }
  } catch (error) {
    if (deadline.passed) connection.distrust(line)
    throw error
  } finally {
    deadline.end()
  }
}

/** One abort signal out of a time limit and the caller's signal, without leaving listeners on a long-lived signal. */
class Deadline {
  readonly #controller = new AbortController()
  readonly #timer: NodeJS.Timeout
  readonly #outer: AbortSignal | undefined
  /** True once the time, not the caller, has ended it. */
  passed = false
  readonly #onAbort = (): void => this.#controller.abort(this.#outer?.reason)

  constructor(ms: number, outer: AbortSignal | undefined) {
    this.#outer = outer
    this.#timer = setTimeout(() => {
      this.passed = true
      this.#controller.abort(timedOut(ms))
    }, ms)
    outer?.addEventListener('abort', this.#onAbort, { once: true })
    if (outer?.aborted) this.#onAbort()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  end(): void {
    clearTimeout(this.#timer)
    this.#outer?.removeEventListener('abort', this.#onAbort)
  }
}

function timedOut(ms: number): AppError {
  return new AppError('ClusterUnavailable', `The API server did not answer within ${Math.round(ms / 1000)} s.`)
}

export function queryText(query: Record<string, string> | undefined): string {
  const text = query ? new URLSearchParams(query).toString() : ''
  return text ? `?${text}` : ''
}

/** `Retry-After` in milliseconds, at most 30 s; the API server only ever sends seconds. */
function retryAfterMs({ headers }: Answer): number | undefined {
  const seconds = Number(headers['retry-after'])
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 30) * 1000 : undefined
}

/** Up to half as long again, so that many clients do not come back in one moment. */
function jitter(ms: number): number {
  return ms * (1 + Math.random() / 2)
}

/** A pause that ends early, with the signal's reason, on abort. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  await new Promise<void>((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer)
      reject(signal?.reason as Error)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** Errors of connecting mean that nothing was sent. A wrong certificate does not mend itself within a second. */
function mayResend(error: unknown, call: Call): boolean {
  const code = codeOf(error)
  if (/CERT|TLS|SSL|SELF_SIGNED/.test(code)) return false
  return (
    call.idempotent ||
    /^(ECONNREFUSED|UND_ERR_CONNECT_TIMEOUT|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|ENOTFOUND)$/.test(code)
  )
}

function codeOf(error: unknown): string {
  const { code, cause, errors } = error as { code?: unknown; cause?: unknown; errors?: unknown[] }
  if (typeof code === 'string') return code
  if (errors?.[0]) return codeOf(errors[0])
  return cause ? codeOf(cause) : 'connection lost'
}

/** A failed connection as `ClusterUnavailable`, with the server's address and the system's word for what happened. */
export function unreachable(error: unknown, server: string): AppError {
  if (error instanceof AppError) return error
  return new AppError('ClusterUnavailable', `The API server ${server} cannot be reached (${codeOf(error)}).`, {
    cause: error,
  })
}
