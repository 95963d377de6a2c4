import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createEgress, createGuard, type GuardOptions } from '../../src/adapters/egress/index.ts'
import { createRegistry } from '../../src/adapters/registry/index.ts'
import { type StandIn, startInternet } from '../registry/stand-in.ts'
import { silent } from '../sync/workbench.ts'

/** What the names mean on this machine; what is not here only the proxy knows. */
const names: Record<string, string[]> = {
  'outside.test': ['192.0.2.7'],
  'inside.test': ['10.1.2.3'],
  'both.test': ['192.0.2.7', '10.1.2.3'],
  'metadata.test': ['169.254.169.254'],
  'direct.test': ['127.0.0.1'],
}
const resolve = async (host: string) => names[host] ?? Promise.reject(new Error('ENOTFOUND'))

describe('an egress with a proxy', () => {
  const asked: { url: string; headers: IncomingHttpHeaders }[] = []
  let internet: StandIn
  let plain: Server
  let environment: Record<string, string>

  beforeAll(async () => {
    internet = await startInternet(({ path, host }) =>
      path === '/away' ? { status: 302, headers: { location: 'https://inside.test/' } } : { body: `${host} ${path}` },
    )
    plain = createServer(({ url = '', headers }, response) => {
      asked.push({ url, headers })
      response.end('plain')
    })
    await new Promise<void>((done) => plain.listen(0, '127.0.0.1', done))
    const { port } = plain.address() as AddressInfo
    environment = {
      HTTPS_PROXY: internet.url,
      HTTP_PROXY: `http://ann:pass@127.0.0.1:${port}`,
      NO_PROXY: 'direct.test',
    }
  })

  beforeEach(() => {
    asked.length = 0
    internet.seen.length = 0
  })

  afterAll(async () => {
    await internet.close()
    plain.closeAllConnections()
    plain.close()
  })

  function open(options: GuardOptions = {}) {
    const egress = createEgress({ resolve, environment, ...options })
    onTestFinished(() => egress.close())
    return async (url: string, tls = { insecure: true }) => {
      const { body } = await egress({ url, tls, maxBytes: 1024, timeoutMs: 60_000 })
      return Buffer.from(body).toString()
    }
  }

  it.each(['unknown.test', 'outside.test'])('asks it for %s over https', async (host) => {
    expect(await open({ allowPrivate: false })(`https://${host}/index.yaml`)).toBe(`${host} /index.yaml`)
  })

  it('checks the certificate of the server behind it', async () => {
    await expect(open()('https://unknown.test/', { insecure: false })).rejects.toMatchObject({
      code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    })
    expect(internet.seen).toEqual([])
  })

  it('asks it over http, with its login', async () => {
    expect(await open()('http://unknown.test/a')).toBe('plain')
    const login = `Basic ${Buffer.from('ann:pass').toString('base64')}`
    expect(asked).toMatchObject([{ url: 'http://unknown.test/a', headers: { 'proxy-authorization': login } }])
  })

  it('goes without it where it is told to, and to this machine', async () => {
    const { port } = plain.address() as AddressInfo
    for (const host of ['direct.test', '127.0.0.1']) expect(await open()(`http://${host}:${port}/a`)).toBe('plain')
    expect(asked.map(({ url }) => url)).toEqual(['/a', '/a'])
  })

  it('asks it for what is inside where that is allowed', async () => {
    expect(await open()('https://inside.test/')).toBe('inside.test /')
  })

  it.each([
    ['a private host', 'https://inside.test/', false],
    ['a host that is private too', 'https://both.test/', false],
    ['a private address', 'https://10.1.2.3/', false],
    ['a private host over http', 'http://inside.test/', false],
    ['a metadata service', 'https://metadata.test/', true],
    ['the address of one', 'http://169.254.169.254/', true],
  ])('never asks it for %s', async (_what, url, allowPrivate) => {
    await expect(open({ allowPrivate })(url)).rejects.toThrow('not allowed')
    expect([...internet.seen, ...asked]).toEqual([])
  })

  it('never asks it for a private host that another one names', async () => {
    await expect(open({ allowPrivate: false })('https://unknown.test/away')).rejects.toThrow('not allowed')
    expect(internet.seen.map(({ host }) => host)).toEqual(['unknown.test'])
  })

  it('is as strict for registries', async () => {
    const guard = createGuard({ allowPrivate: false, resolve })
    const registry = createRegistry({ log: silent, environment, guard })
    onTestFinished(() => registry.close())
    await expect(registry.tags('inside.test/team/app', { insecure: true })).rejects.toMatchObject({
      reason: 'RegistryUnreachable',
    })
    expect(internet.seen).toEqual([])
  })
})
