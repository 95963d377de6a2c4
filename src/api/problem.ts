import type { FastifyError, FastifyReply } from 'fastify'
import { AppError } from '../domain/error.ts'
import { type Reason, reasons } from '../domain/status/reason.ts'
import type { Problem } from './contract/problem.ts'
import { faultText } from './wrong-request.ts'

/** The API's own reasons, besides those of the status list. */
const ownReasons = {
  Unauthorized: [401, 'A valid token is needed.', 'Send Authorization: Bearer TOKEN.'],
  NotAllowed: [403, 'Your rights do not suffice.', 'Ask for the right that is named.'],
  // what is near, where there is such a thing, is said in the sentence itself
  NotFound: [404, 'There is nothing here.', ''],
  MethodNotAllowed: [405, 'Not with this method.', 'Use one of those in the header Allow.'],
  NotPossible: [409, 'Not possible in this state.', ''],
  InvalidRequest: [400, 'The request is not valid.', 'Mend what is named; /api/v1/openapi.json says what is taken.'],
  TooSlow: [408, 'The request took too long.', 'Send it again, faster.'],
  TooLarge: [413, 'The request is too large.', 'Send less at once.'],
  UnsupportedMediaType: [
    415,
    'The body is of a kind that is not read.',
    'Send JSON with Content-Type: application/json.',
  ],
  HeadersTooLarge: [431, 'The headers are too large.', 'Send less than 16 KB of them.'],
  TooManyRequests: [429, 'Too many requests.', 'Try again in a minute.'],
} as const satisfies Record<string, readonly [status: number, title: string, unblock: string]>

export type OwnReason = keyof typeof ownReasons

/** Reasons that a caller may meet, with their status; every other one is a failure of ours. */
const statusOf: Partial<Record<Reason, number>> = {
  RedisUnavailable: 503,
  ClusterUnavailable: 503,
  RateLimited: 503,
  Forbidden: 502,
}

/** Ends a request with a problem. */
export class Refusal extends Error {
  readonly told: Problem

  constructor(told: Problem) {
    super(told.detail)
    this.name = 'Refusal'
    this.told = told
  }
}

/** A problem of the API's own. */
export function problem(reason: OwnReason, detail?: string): Problem {
  const [status, title, unblock] = ownReasons[reason]
  return { type: 'about:blank', title, status, detail: detail ?? title, reason, ...(unblock ? { unblock } : {}) }
}

/** Any error → what the caller is told. The text of an error that is not ours may hold anything and stays in the log. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Refusal) return error.told
  if (error instanceof AppError && error.reason !== 'InternalError') {
    const [title, unblock] = reasons[error.reason]
    const status = statusOf[error.reason] ?? 500
    return { type: 'about:blank', title, status, detail: error.message, reason: error.reason, unblock }
  }
  const refused = refusedByFastify((error ?? {}) as Partial<FastifyError>)
  if (refused) return refused
  const [title, unblock] = reasons.InternalError
  return {
    type: 'about:blank',
    title,
    status: 500,
    detail: 'Something went wrong; the log says what.',
    reason: 'InternalError',
    unblock,
  }
}

/** What Fastify says of a request before a route sees it. */
function refusedByFastify({
  code = '',
  statusCode = 500,
  message = '',
  validation = [],
  validationContext = 'body',
}: Partial<FastifyError>): Problem | undefined {
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return problem('TooLarge')
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return problem('UnsupportedMediaType')
  const [fault] = validation
  if (code === 'FST_ERR_VALIDATION')
    return problem('InvalidRequest', fault ? faultText(fault, validationContext) : message)
  const isRefused = code.startsWith('FST_ERR_') && statusCode >= 400 && statusCode < 500
  return isRefused ? { ...problem('InvalidRequest', message), status: statusCode } : undefined
}

/** Seconds, by status. */
const usualWait: Readonly<Record<number, number>> = { 429: 60, 503: 5 }

/** Answers with a problem; 401, 429 and 503 with the header that belongs to them. */
export function sendProblem(reply: FastifyReply, told: Problem): FastifyReply {
  if (told.status === 401) void reply.header('www-authenticate', 'Bearer realm="capstan"')
  const retryAfter = told.retryAfter ?? usualWait[told.status]
  if (retryAfter === undefined) return reply.code(told.status).type('application/problem+json').send(told)
  void reply.header('retry-after', String(retryAfter))
  return reply
    .code(told.status)
    .type('application/problem+json')
    .send({ ...told, retryAfter })
}
