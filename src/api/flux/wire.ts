import type { FastifyReply, FastifyRequest } from 'fastify'
import { badRequest } from './errors.ts'

type Asked = Pick<FastifyRequest, 'query' | 'body'>

/** An answer as Go writes it: fields that a response schema would not know are not lost. */
export function sendJson(reply: FastifyReply, value: unknown): FastifyReply {
  return reply.type('application/json; charset=utf-8').send(JSON.stringify(value))
}

/** The JSON of a body; fluxctl sends it without a content type. Throws what says so for anything else. */
export function bodyOf({ body }: Asked): unknown {
  try {
    return JSON.parse(typeof body === 'string' ? body : '')
  } catch {
    throw badRequest('the body is not JSON')
  }
}

/** The parameters of a query. One that is given twice counts the first time, as in Go. */
export function queryOf(request: Asked): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(listsOf(request)).map(([key, values]) => [key, values[0]]))
}

/** The parameters of a query with all that was given for each. */
export function listsOf({ query }: Asked): Record<string, string[]> {
  const entries = Object.entries(query as Record<string, string | string[]>)
  return Object.fromEntries(entries.map(([key, value]) => [key, Array.isArray(value) ? value : [value]]))
}
