import type { Server } from 'node:http'
import { networkInterfaces } from 'node:os'
import { type Api, type Listener, listenBesides } from '../api/loopback.ts'
import type { Config, ListenAddress } from '../config/config.ts'

type App = Pick<Api, 'listen' | 'close'>

/** Where the API is served. `closed` ends every listener and waits for what they answer. */
export type Served = { close(): Promise<void> }

/**
 * Serves the API where the flags say. In a cluster the loopback addresses are listeners of their own, which ask nobody for a token
 * (ruling 3), and every other address of the pod is one that does.
 */
export async function listenAll(
  app: Api,
  { listen, opensLoopback }: Pick<Config, 'listen' | 'opensLoopback'>,
): Promise<Served> {
  if (!opensLoopback) {
    await listenAt(app, listen)
    return app
  }
  const servers: Server[] = []
  for (const listener of listenersOf(listen, ownAddresses())) {
    const server = await listenBesides(app, listener).catch((error: unknown) => {
      if (listener.host === '::1' && isWithoutAddress(error)) return undefined
      throw error
    })
    if (server) servers.push(server)
  }
  return {
    async close() {
      for (const server of servers) {
        server.close()
        server.closeAllConnections()
      }
      await app.close()
    },
  }
}

/** One listener for each address, since a socket for all of them would not tell how somebody came. */
export function listenersOf({ host, port }: ListenAddress, addresses: readonly string[]): Listener[] {
  const open = ['127.0.0.1', '::1'].map((address) => ({ host: address, port, open: true }))
  if (isLoopback(host)) return [{ host, port, open: true }]
  const others = ['', '0.0.0.0', '::'].includes(host) ? addresses : [host]
  return [...open, ...others.map((address) => ({ host: address, port, open: false }))]
}

/** On the address that was given. An empty host means every address; where IPv6 is off that is every IPv4 address. */
export async function listenAt(app: App, { host, port }: ListenAddress): Promise<void> {
  if (host) {
    await app.listen({ host, port })
    return
  }
  try {
    await app.listen({ host: '::', port })
  } catch (error) {
    if (!isWithoutAddress(error)) throw error
    await app.listen({ host: '0.0.0.0', port })
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}

/** Addresses of this machine or pod that others reach; those of one link need a zone and are left out. */
function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .map(({ address }) => address)
}

function isWithoutAddress(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EAFNOSUPPORT' || error.code === 'EADDRNOTAVAIL')
}
