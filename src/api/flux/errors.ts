import type { FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../../domain/error.ts'
import { reasons } from '../../domain/status/reason.ts'
import type { Problem } from '../contract/problem.ts'
import { problemOf } from '../problem.ts'

/** What fluxctl is told when something does not work (flux-v1 §23). It prints `help` alone, so that has everything in it. */
export type FluxError = { type: 'server' | 'missing' | 'user'; help: string; error: string }

/** A refusal with its own status and words. */
export class FluxRefusal extends Error {
  readonly status: number
  readonly told: FluxError

  constructor(status: number, told: FluxError) {
    super(told.error)
    this.name = 'FluxRefusal'
    this.status = status
    this.told = told
  }
}

/** What was asked for cannot be done as it was asked. */
export function userError(error: string, help = ''): FluxRefusal {
  return new FluxRefusal(422, { type: 'user', error, help: paragraphs(error, help) })
}

/** The request cannot be read. */
export function badRequest(error: string): FluxRefusal {
  return new FluxRefusal(400, { type: 'user', error, help: paragraphs(error, 'Is it an older or newer fluxctl?') })
}

export function missing(error: string, help = ''): FluxRefusal {
  return new FluxRefusal(404, { type: 'missing', error, help: paragraphs(error, help) })
}

/** A route of a version that fluxd itself had given up. */
export function deprecated(): FluxRefusal {
  const error = 'API endpoint deprecated'
  const help = 'This fluxctl is too old; fluxctl 1.25 works, and so does the capstan command.'
  return new FluxRefusal(410, { type: 'missing', error, help: paragraphs(error, help) })
}

/** A route that there is not. */
export function noRoute(path: string): FluxRefusal {
  const help = `This server answers what fluxctl 1.25 asks; it does not know ${path}.`
  return missing('API endpoint not found', help)
}

/** Answers with an error in the form that the caller's Accept header prefers: JSON, its help, or the bare error. */
export function sendFluxError(request: FastifyRequest, reply: FastifyReply, error: unknown): FastifyReply {
  const { status, told } = error instanceof FluxRefusal ? error : refusalOf(error)
  if (status === 503 || status === 500) void reply.header('retry-after', '5')
  const form = preferredForm(request.headers.accept)
  if (form === 'json') return reply.code(status).type('application/json; charset=utf-8').send(JSON.stringify(told))
  return reply
    .code(status)
    .type('text/plain; charset=utf-8')
    .send(form === 'help' ? told.help : told.error)
}

/** Answers who is not let in: without a token that is taken, or without the rights. */
export function sendRefusal(request: FastifyRequest, reply: FastifyReply, told: Problem): FastifyReply {
  if (told.retryAfter !== undefined) void reply.header('retry-after', String(told.retryAfter))
  if (told.status === 404) return sendFluxError(request, reply, unknownJob(jobIn(request.query)))
  if (told.status !== 401) {
    const { status, detail, unblock = '' } = told
    const type = status < 500 ? 'user' : 'server'
    return sendFluxError(
      request,
      reply,
      new FluxRefusal(status, { type, error: detail, help: paragraphs(detail, unblock) }),
    )
  }
  const help =
    'A valid token is needed. Give fluxctl both --url and --token (or FLUX_URL and FLUX_SERVICE_TOKEN), or let it forward a port to the pod.'
  const error = 'request failed authentication'
  void reply.header('www-authenticate', 'Bearer realm="capstan"')
  const refusal = new FluxRefusal(401, { type: 'user', error, help: paragraphs(error, help) })
  return sendFluxError(request, reply, refusal)
}

function jobIn(query: unknown): string {
  const id = (query as { id?: string | string[] }).id ?? ''
  return typeof id === 'string' ? id : (id[0] ?? '')
}

/** Nobody knows this job (any more). */
export function unknownJob(id: string): FluxRefusal {
  return missing(`unknown job "${id}"`, 'It may have ended long ago, or Redis was emptied: ask again.')
}

/** Any error → what fluxctl is told. */
export function refusalOf(error: unknown): { status: number; told: FluxError } {
  const { status, detail, unblock = '' } = problemOf(error)
  if (error instanceof AppError && error.reason !== 'InternalError') {
    const help = paragraphs(detail, reasons[error.reason][1])
    return { status: 500, told: { type: 'server', error: detail, help } }
  }
  const type = status < 500 ? 'user' : 'server'
  return { status: status < 500 ? 400 : 500, told: { type, error: detail, help: paragraphs(detail, unblock) } }
}

function paragraphs(error: string, help: string): string {
  return help === '' ? `${error}\n` : `${error}\n\n${help}\n`
}

/** As fluxd chose: by quality, JSON first where both are as welcome; anything else gets the bare error. */
function preferredForm(accept: string | undefined): 'json' | 'help' | 'bare' {
  const offers = (accept ?? '').split(',').map((offer) => {
    const [media = '', ...parameters] = offer.split(';').map((part) => part.trim().toLowerCase())
    const quality = parameters.find((parameter) => parameter.startsWith('q='))
    return { media, quality: quality === undefined ? 1 : Number(quality.slice(2)) || 0 }
  })
  const qualityOf = (wanted: string): number =>
    Math.max(0, ...offers.filter(({ media }) => media === wanted).map(({ quality }) => quality))
  const [json, text] = [qualityOf('application/json'), qualityOf('text/plain')]
  if (json > 0 && json >= text) return 'json'
  return text > 0 ? 'help' : 'bare'
}
