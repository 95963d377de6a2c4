import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import type { Server } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import { networkInterfaces } from 'node:os'
import { type Api, type Certificate, type Listener, listenBesides } from '../api/loopback.ts'
import type { Config, ListenAddress } from '../config/config.ts'
import type { Logger } from '../lib/logger.ts'

type App = Pick<Api, 'listen' | 'close'>

/** Where the API is served. `close` ends every listener and waits for what they answer. */
export type Served = { close(): Promise<void> }

/** A renewed certificate is served after this time. */
const renewedWithinMs = 30_000

/**
 * Serves the API where the flags say. In a cluster the loopback addresses are listeners of their own, which ask nobody for a token
 * (ruling 3), and every other address of the pod is one that does. With a certificate all but those speak TLS alone; one that is renewed
 * in its files is taken up. Throws when the certificate cannot be read.
 */
export async function listenAll(
  app: Api,
  { listen, opensLoopback, tls }: Pick<Config, 'listen' | 'opensLoopback' | 'tls'>,
  { log, renewMs = renewedWithinMs }: { log: Logger; renewMs?: number },
): Promise<Served> {
  if (!opensLoopback && !tls) {
    await listenAt(app, listen)
    return app
  }
  const certificate = tls && readCertificate(tls)
  const listeners = opensLoopback ? listenersOf(listen, ownAddresses()) : [{ ...listen, open: false }]
  const servers: (Server | TlsServer)[] = []
  for (const listener of listeners) {
    const server = await listenBesides(app, {
      ...listener,
      ...(certificate && !listener.open ? { tls: certificate } : {}),
    }).catch((error: unknown) => {
      if (listener.host === '::1' && isWithoutAddress(error)) return undefined
      throw error
    })
    if (server) servers.push(server)
  }
  const forget = tls ? followCertificate({ ...tls, renewMs }, servers, log) : () => {}
  return {
    async close() {
      forget()
      await app.close()
    },
  }
}

type Files = NonNullable<Config['tls']>

function readCertificate({ certFile, keyFile }: Files): Certificate {
  try {
    return { cert: readFileSync(certFile), key: readFileSync(keyFile) }
  } catch (error) {
    throw new Error(`the certificate of the API cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

/** Mounted Secrets are replaced as a whole, so the certificate's own time tells of both files. */
function followCertificate(
  files: Files & { renewMs: number },
  servers: readonly (Server | TlsServer)[],
  log: Logger,
): () => void {
  const renew = (): void => {
    try {
      const certificate = readCertificate(files)
      for (const server of servers) if ('setSecureContext' in server) server.setSecureContext(certificate)
      log.info({}, 'the certificate of the API was renewed')
    } catch (error) {
      log.warn(
        { error: (error as Error).message },
        'the certificate of the API changed and cannot be used; the old one stays',
      )
    }
  }
  watchFile(files.certFile, { interval: files.renewMs, persistent: false }, renew)
  return () => unwatchFile(files.certFile, renew)
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
