import type { Socket } from 'node:net'
import { problem } from './problem.ts'

type ClientError = Error & { code?: string }

/** Answers what is no request that a route could see: headers that are too large or too slow, bytes that are no HTTP. */
export function answerClientError(error: ClientError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return
  const told = problem(reasonOf(error))
  const body = JSON.stringify(told)
  socket.end(
    [
      `HTTP/1.1 ${told.status} ${told.title.replace(/[^ -~]/g, '')}`,
      'content-type: application/problem+json',
      `content-length: ${Buffer.byteLength(body)}`,
      'connection: close',
      '',
      body,
    ].join('\r\n'),
    // who never reads it must not keep the socket
    () => socket.destroySoon(),
  )
}

function reasonOf({ code }: ClientError) {
  if (code === 'HPE_HEADER_OVERFLOW') return 'HeadersTooLarge'
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'TooSlow' : 'InvalidRequest'
}
