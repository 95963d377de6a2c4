import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEgress } from '../../src/adapters/egress/index.ts'

describe('createEgress', () => {
  const egress = createEgress({ resolve: async (host) => [host === 'meta.test' ? '169.254.169.254' : '127.0.0.1'] })
  const strict = createEgress({ allowPrivate: false, resolve: async () => ['127.0.0.1'] })
  const seen: { path: string; headers: IncomingHttpHeaders }[] = []
  let first: Server
  let second: Server

  const listen = async (answer: RequestListener) => {
    const server = createServer(answer)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return server
  }
  const port = (server: Server) => (server.address() as AddressInfo).port
  const ask = (path: string, host = '127.0.0.1', maxBytes = 1024) =>
    egress({
      url: `http://${host}:${port(first)}${path}`,
      maxBytes,
      timeoutMs: path === '/slow' ? 2_000 : 60_000,
      headers: { 'x-token': 'secret' },
    })

  beforeAll(async () => {
    second = await listen((request, response) => {
      seen.push({ path: request.url ?? '', headers: request.headers })
      response.end('second')
    })
    first = await listen((request, response) => {
      seen.push({ path: request.url ?? '', headers: request.headers })
      const to = (location: string) => response.writeHead(302, { location }).end()
      if (request.url === '/other') return void to(`http://127.0.0.1:${port(second)}/there`)
      if (request.url === '/loop') return void to('/loop')
      if (request.url === '/meta') return void to('http://169.254.169.254/latest')
      if (request.url === '/file') return void to('file:///etc/passwd')
      if (request.url === '/big') return void response.end('x'.repeat(5_000))
      if (request.url === '/slow') return void response.write('x')
      response.end('first')
    })
  })

  afterAll(async () => {
    for (const server of [first, second]) {
      server.closeAllConnections()
      server.close()
    }
    await egress.close()
    await strict.close()
  })

  it('gives the body, and sends the login of the URL as a header only', async () => {
    const { status, body } = await ask('/', 'user:pass%20word@127.0.0.1')
    expect([status, Buffer.from(body).toString()]).toEqual([200, 'first'])
    expect(seen.at(-1)?.headers.authorization).toBe(`Basic ${Buffer.from('user:pass word').toString('base64')}`)
  })

  it('takes neither login nor headers to another host', async () => {
    await ask('/other', 'user:password@127.0.0.1')
    const { path, headers } = seen.at(-1) ?? { path: '', headers: {} }
    expect(path).toBe('/there')
    expect([headers.authorization, headers['x-token']]).toEqual([undefined, undefined])
  })

  it.each([
    ['a redirect without end', '/loop', '127.0.0.1', /too many redirects/],
    ['a redirect to the metadata service', '/meta', '127.0.0.1', /not allowed/],
    ['a redirect to a file', '/file', '127.0.0.1', /not allowed/],
    ['a name of the metadata service', '/', 'meta.test', /not allowed/],
    ['the metadata service in other digits', '/', '[::ffff:a9fe:a9fe]', /not allowed/],
    ['an answer that is too large', '/big', '127.0.0.1', /larger/],
    ['an answer that does not end', '/slow', '127.0.0.1', /no answer in time/],
  ])('refuses %s', async (_name, path, host, message) => {
    await expect(ask(path, host)).rejects.toThrow(message)
  })

  it('refuses private addresses where they are not allowed', async () => {
    const url = `http://charts.test:${port(first)}/`
    await expect(strict({ url, maxBytes: 10, timeoutMs: 60_000 })).rejects.toThrow(/not allowed/)
  })
})
