import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request as the server saw it. */
export type Seen = { method: string; path: string; authorization: string | undefined; accept: string | undefined }

/** A server that answers as the test says, for what a real registry cannot be made to do. */
export type FakeServer = {
  /** `127.0.0.1:PORT`. */
  host: string
  seen: Seen[]
  /** Highest number of requests that were under way at once. */
  mostAtOnce(): number
  close(): Promise<void>
}

export type Answering = (seen: Seen, answer: ServerResponse, host: string) => void | Promise<void>

export async function startServer(answering: Answering): Promise<FakeServer> {
  const seen: Seen[] = []
  let running = 0
  let most = 0
  const server = createServer((incoming: IncomingMessage, answer: ServerResponse) => {
    const one: Seen = {
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      authorization: incoming.headers.authorization,
      accept: incoming.headers.accept,
    }
    seen.push(one)
    running++
    most = Math.max(most, running)
    answer.on('close', () => running--)
    void answering(one, answer, incoming.headers.host ?? '')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    host: `127.0.0.1:${port}`,
    seen,
    mostAtOnce: () => most,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export function json(
  answer: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  answer.writeHead(status, { 'content-type': 'application/json', ...headers })
  answer.end(JSON.stringify(body))
}
