import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A request with its body, as a server of a cloud saw it. */
export type CloudRequest = { method: string; host: string; path: string; headers: IncomingHttpHeaders; body: string }

/** Answers in the place of a cloud, for protocols that nothing on this machine speaks. */
export type StandIn = {
  /** `http://127.0.0.1:PORT`. */
  url: string
  seen: CloudRequest[]
  close(): Promise<void>
}

export type Reply = (request: CloudRequest) => { status?: number; headers?: Record<string, string>; body?: unknown }

function listener(seen: CloudRequest[], reply: Reply) {
  return async (incoming: IncomingMessage, answer: ServerResponse): Promise<void> => {
    let body = ''
    for await (const chunk of incoming) body += String(chunk)
    const { method = '', url = '', headers } = incoming
    const request = { method, host: headers.host ?? '', path: url, headers, body }
    seen.push(request)
    const { status = 200, headers: more = {}, body: said = '' } = reply(request)
    answer.writeHead(status, more).end(typeof said === 'string' ? said : JSON.stringify(said))
  }
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

export async function startStandIn(reply: Reply): Promise<StandIn> {
  const seen: CloudRequest[] = []
  const handle = listener(seen, reply)
  const server = createServer((incoming, answer) => void handle(incoming, answer))
  const url = `http://127.0.0.1:${await listen(server)}`
  return {
    url,
    seen,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/**
 * An internet of one machine: `url` is a proxy that leads every host name to the same TLS server, so that code which only speaks to
 * `https://NAME` of a cloud can be tested as it is.
 */
export async function startInternet(reply: Reply): Promise<StandIn> {
  const directory = mkdtempSync(join(tmpdir(), 'capstan-tls-'))
  const [key, cert] = [join(directory, 'key'), join(directory, 'cert')]
  const made = [
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    key,
    '-out',
    cert,
    '-subj',
    '/CN=cloud',
    '-days',
    '2',
  ]
  execFileSync('openssl', ['req', ...made], { stdio: 'ignore' })
  const seen: CloudRequest[] = []
  const handle = listener(seen, reply)
  const behind = createTlsServer(
    { key: readFileSync(key), cert: readFileSync(cert) },
    (incoming, answer) => void handle(incoming, answer),
  )
  rmSync(directory, { recursive: true })
  const port = await listen(behind)
  const sockets = new Set<Socket>()
  const proxy = createServer((_, answer) => void answer.writeHead(405).end())
  proxy.on('connect', (_request: IncomingMessage, client: Socket) => {
    const server = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      server.pipe(client).pipe(server)
    })
    for (const socket of [client, server]) sockets.add(socket.on('error', () => socket.destroy()))
  })
  const url = `http://127.0.0.1:${await listen(proxy)}`
  return {
    url,
    seen,
    async close() {
      for (const socket of sockets) socket.destroy()
      behind.closeAllConnections()
      await Promise.all([behind, proxy].map((server) => new Promise((resolve) => server.close(resolve))))
    },
  }
}
