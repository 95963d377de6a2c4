import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { freePort } from '../../playground/stack/ports.ts'
import { listenAll, listenersOf, type Served } from '../../src/main/listen.ts'
import { until } from '../../playground/stack/until.ts'
import { makeCertificates, type Pair } from '../helm/certificates.ts'
import { silent } from '../sync/workbench.ts'
import { createWorkbench, token } from './workbench.ts'

let served: Served | undefined
afterEach(async () => {
  await served?.close()
  served = undefined
})

const ownAddress = Object.values(networkInterfaces())
  .flatMap((all) => all ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address

type Options = { opensLoopback: boolean; host?: string; tls?: { certFile: string; keyFile: string } }

async function serve(options: Options): Promise<number> {
  const port = await freePort()
  const { app } = createWorkbench()
  const { host = '', ...rest } = options
  served = await listenAll(app, { listen: { host, port }, ...rest }, { log: silent, renewMs: 50 })
  return port
}

async function status(host: string, port: number, path: string, headers: Record<string, string> = {}): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const sent = request({ host, port, path, method: path.includes('sync-git') ? 'POST' : 'GET', headers }, (answer) => {
    answer.resume()
    resolve(answer.statusCode ?? 0)
  })
  sent.on('error', reject).end()
  return await promise
}

/** The serial number of the certificate that is shown. */
async function serialOf(host: string, port: number): Promise<string> {
  const socket = connect({ host, port, rejectUnauthorized: false })
  try {
    await once(socket, 'secureConnect')
    return socket.getPeerCertificate().serialNumber
  } finally {
    socket.destroy()
  }
}

describe('the listeners of a pod (ruling 3)', () => {
  it('asks for no token on loopback, for the routes of the ancestors alone', async () => {
    const port = await serve({ opensLoopback: true })
    expect(await status('127.0.0.1', port, '/api/v1/sync-git')).toBe(200)
    expect(await status('127.0.0.1', port, '/healthz')).toBe(200)
    expect(await status('127.0.0.1', port, '/api/v1/status')).toBe(401)
    expect(await status('127.0.0.1', port, '/api/v1/status', { authorization: `Bearer ${token}` })).toBe(200)
  })

  it.runIf(ownAddress)('asks for a token on the address of the pod', async () => {
    const port = await serve({ opensLoopback: true })
    const host = ownAddress ?? ''
    expect(await status(host, port, '/api/v1/sync-git')).toBe(401)
    expect(await status(host, port, '/api/v1/sync-git', { host: `127.0.0.1:${port}` })).toBe(401)
    expect(await status(host, port, '/api/v1/sync-git', { authorization: `Scope-Probe token=${token}` })).toBe(200)
  })

  it.each([
    ['a web page', { origin: 'https://evil.example' }],
    ['a page of another site', { 'sec-fetch-site': 'cross-site' }],
    ['a name that was pointed here', { host: 'evil.example' }],
  ])('asks %s for a token, also on loopback', async (_who, headers) => {
    const port = await serve({ opensLoopback: true })
    expect(await status('127.0.0.1', port, '/api/v1/sync-git', headers)).toBe(401)
  })

  it('asks everybody for a token where loopback is shared or was closed', async () => {
    const port = await serve({ opensLoopback: false })
    expect(await status('127.0.0.1', port, '/api/v1/sync-git')).toBe(401)
  })

  it('can be reached no more once it is closed', async () => {
    const port = await serve({ opensLoopback: true })
    await served?.close()
    await expect(status('127.0.0.1', port, '/healthz')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  it.runIf(ownAddress)('speaks TLS alone where others reach it, and takes up a renewed certificate', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'capstan-tls-'))
    try {
      const { server, client } = await makeCertificates(directory)
      const [certFile, keyFile] = [join(directory, 'tls.crt'), join(directory, 'tls.key')]
      const put = ({ cert, key }: Pair): void => {
        writeFileSync(keyFile, key)
        writeFileSync(certFile, cert)
      }
      put(server)
      const port = await serve({ opensLoopback: true, tls: { certFile, keyFile } })
      const host = ownAddress ?? ''
      expect(await serialOf(host, port)).toBe(new X509Certificate(server.cert).serialNumber)
      const renewed = new X509Certificate(client.cert).serialNumber
      // again, since what is written before the files are watched is no change
      const isRenewed = async (): Promise<boolean> => {
        put(client)
        return (await serialOf(host, port)) === renewed
      }
      await until('the new certificate is served', isRenewed, { everyMs: 200 })
      await expect(status(host, port, '/healthz')).rejects.toThrow()
      expect(await status('127.0.0.1', port, '/healthz')).toBe(200)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })

  it('does not begin with a certificate that cannot be read', async () => {
    const tls = { certFile: '/nowhere/tls.crt', keyFile: '/nowhere/tls.key' }
    await expect(serve({ opensLoopback: false, tls })).rejects.toThrow('the certificate of the API cannot be read')
  })

  const open = [
    { host: '127.0.0.1', port: 1, open: true },
    { host: '::1', port: 1, open: true },
  ]
  it.each([
    ['every address', '', [...open, { host: '10.0.0.7', port: 1, open: false }]],
    ['every address in numbers', '0.0.0.0', [...open, { host: '10.0.0.7', port: 1, open: false }]],
    ['one address', '10.0.0.8', [...open, { host: '10.0.0.8', port: 1, open: false }]],
    ['loopback alone', '127.0.0.1', [{ host: '127.0.0.1', port: 1, open: true }]],
  ])('listens for %s', (_what, host, listeners) => {
    expect(listenersOf({ host, port: 1 }, ['10.0.0.7'])).toEqual(listeners)
  })
})
