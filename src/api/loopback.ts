import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'

/** The API as it is served. */
export type Api = FastifyInstance

/** A certificate with its chain, and its key, as PEM. */
export type Certificate = { cert: Buffer; key: Buffer }

/** Where to listen besides. `open`: routes with `openOnLoopback` need no token there (ruling 3). `tls`: left out where nobody can listen in. */
export type Listener = { host: string; port: number; open: boolean; tls?: Certificate }

/** How often Node looks for sockets that are too slow, in milliseconds; by itself it does so each 30 s, which doubles what they get (hazard L9). */
export const connectionsCheckingInterval = 5000

/** Sockets of open listeners: known by where they were accepted, never by the address of who calls (a mesh makes all of them local). */
const openSockets = new WeakSet<Socket>()

/** What an app is served by besides its own server. */
const others = new WeakMap<FastifyInstance, (Server | TlsServer)[]>()

export function serversOf(app: FastifyInstance): (Server | TlsServer)[] {
  return [app.server, ...(others.get(app) ?? [])]
}

/** Serves the same app on one more address, with the same limits; resolves once it listens. Closed with the app. */
export async function listenBesides(
  app: FastifyInstance,
  { host, port, open, tls }: Listener,
): Promise<Server | TlsServer> {
  await app.ready()
  const { server: main, initialConfig } = app
  const { maxHeaderSize } = (initialConfig as { http?: { maxHeaderSize?: number } }).http ?? {}
  const limits = {
    requestTimeout: main.requestTimeout,
    headersTimeout: main.headersTimeout,
    keepAliveTimeout: main.keepAliveTimeout,
    maxHeaderSize: maxHeaderSize ?? 16_384,
    connectionsCheckingInterval,
  }
  const answer = (...call: Parameters<typeof app.routing>): void => {
    main.emit('request', ...call)
  }
  const server = tls ? createTlsServer({ ...limits, ...tls }, answer) : createServer(limits, answer)
  server.setTimeout(main.timeout)
  if (open) server.on('connection', (socket) => openSockets.add(socket))
  server.on('clientError', (error, socket) => main.emit('clientError', error, socket))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  others.set(app, [...(others.get(app) ?? []), server])
  return server
}

/**
 * True for a call that came in by an open listener, under a name of this machine and not from a web page: a browser with a forwarded
 * port could else be made to send one by any site.
 */
export function cameOpenly({ raw, headers }: Pick<FastifyRequest, 'raw' | 'headers'>): boolean {
  if (!openSockets.has(raw.socket) || headers.origin !== undefined) return false
  return isLocalName(headers.host) && /^(?:none|same-origin)?$/.test(String(headers['sec-fetch-site'] ?? ''))
}

/** Whether a Host header names this machine itself, by name or by loopback address. */
export function isLocalName(host: string | undefined): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i.test(host ?? '')
}
