import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createEgress } from '../../src/adapters/egress/index.ts'
import { createKnownRepositories } from '../../src/adapters/helm/index.ts'
import { createRedactor } from '../../src/adapters/log/index.ts'
import type { ChartAccess } from '../../src/domain/release/chart-access.ts'
import { makeCertificates, type Certificates } from './certificates.ts'
import { chartArchive, openCharts } from './world.ts'

const access = (given: Partial<ChartAccess>): ChartAccess => ({
  username: '',
  password: '',
  tls: {},
  everywhere: false,
  ...given,
})
const login = { username: 'ann', password: 'top-secret' }

describe('credentials of chart repositories', () => {
  const directory = mkdtempSync(join(tmpdir(), 'capstan-access-test-'))
  const egress = createEgress()
  const signal = new AbortController().signal
  const body = chartArchive('demo', '1.0.0')
  const servers: { close(): unknown; closeAllConnections(): void }[] = []
  /** What each request that came to a server carried. */
  let seen: { server: string; path: string; authorization: string; client: string }[] = []
  /** The URL of the archive in the index, or where the server redirects to. */
  let [archiveUrl, redirect] = ['demo.tgz', '']
  let pems: Certificates
  let [home, other, plain] = ['', '', '']

  const answer = (server: string) => (request: IncomingMessage, response: ServerResponse) => {
    const client = (request.socket as Partial<TLSSocket>).getPeerCertificate?.()?.subject?.CN
    const { url: path = '', headers } = request
    seen.push({ server, path, authorization: headers.authorization ?? '', client: String(client ?? '') })
    if (redirect !== '' && server === 'home')
      return void response.writeHead(302, { location: `${redirect}${path}` }).end()
    if (!path.includes('index.yaml')) return void response.end(body)
    response.end(`entries:\n  demo:\n  - urls: [${archiveUrl}]\n    version: 1.0.0\n`)
  }
  const listen = async (server: Server | ReturnType<typeof createServer>) => {
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return `127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  const fresh = (known = {}) => openCharts({ directory: mkdtempSync(join(directory, 'cache-')), egress, ...known })
  const fetch = (given: Partial<ChartAccess> | undefined, charts = fresh()) =>
    charts.fromRepository(
      { url: home, name: 'demo', version: '1.0.0', ...(given ? { access: access(given) } : {}) },
      signal,
    )
  const known = (files: string[], warn: (object: unknown, text?: string) => void = () => undefined) =>
    createKnownRepositories({ files, log: { warn }, redactor: createRedactor(), now: Date.now })

  beforeAll(async () => {
    pems = await makeCertificates(directory)
    const tls = { ...pems.server, ca: pems.ca, requestCert: true, rejectUnauthorized: false }
    home = `https://${await listen(createTlsServer(tls, answer('home')))}`
    other = `https://${await listen(createTlsServer(tls, answer('other')))}`
    plain = `http://${await listen(createServer(answer('plain')))}`
  })

  beforeEach(() => {
    seen = []
    archiveUrl = 'demo.tgz'
    redirect = ''
  })

  afterAll(async () => {
    for (const server of servers) {
      server.closeAllConnections()
      server.close()
    }
    await egress.close()
    rmSync(directory, { recursive: true, force: true })
  })

  it('trusts a server by the CA that it is given, and none without', async () => {
    await expect(fetch(undefined)).rejects.toMatchObject({ reason: 'ChartNotFound' })
    expect(await fetch({ tls: { ca: pems.ca } })).toMatchObject({ version: '1.0.0' })
    expect(await fetch({ tls: { insecure: true } })).toMatchObject({ version: '1.0.0' })
  })

  it('shows login and client certificate to its own host', async () => {
    await fetch({ ...login, tls: { ca: pems.ca, ...pems.client } })
    const authorization = `Basic ${Buffer.from('ann:top-secret').toString('base64')}`
    expect(seen).toEqual([
      { server: 'home', path: '/index.yaml', authorization, client: 'client' },
      { server: 'home', path: '/demo.tgz', authorization, client: 'client' },
    ])
  })

  it.each([
    ['an archive on another host', () => [(archiveUrl = `${plain}/demo.tgz`), ''][1], 'plain'],
    ['a redirect to another host', () => (redirect = plain), 'plain'],
  ])('shows neither to %s', async (_what, arrange, server) => {
    arrange()
    const charts = fetch({ ...login, tls: { ca: pems.ca, ...pems.client } })
    expect(await charts).toMatchObject({ version: '1.0.0' })
    const there = seen.filter((one) => one.server === server)
    expect(there.length).toBeGreaterThan(0)
    expect(there.every(({ authorization, client }) => authorization === '' && client === '')).toBe(true)
  })

  it('does not trust another host by the CA of this one', async () => {
    archiveUrl = `${other}/demo.tgz`
    await expect(fetch({ tls: { ca: pems.ca } })).rejects.toMatchObject({ reason: 'ChartNotFound' })
    expect(seen.map(({ server }) => server)).toEqual(['home'])
  })

  it('gives the login to archives elsewhere where the operator says so, but to no redirect', async () => {
    archiveUrl = `${plain}/demo.tgz`
    await fetch({ ...login, tls: { ca: pems.ca }, everywhere: true })
    expect(seen.at(-1)).toMatchObject({ server: 'plain', authorization: expect.stringContaining('Basic') })
    seen = []
    redirect = plain
    archiveUrl = 'demo.tgz'
    await fetch({ ...login, tls: { ca: pems.ca }, everywhere: true })
    expect(seen.at(-1)).toMatchObject({ server: 'plain', authorization: '' })
  })

  it('never gives what one access fetched to another', async () => {
    const charts = fresh()
    await fetch({ ...login, tls: { ca: pems.ca } }, charts)
    await fetch({ ...login, password: 'other', tls: { ca: pems.ca } }, charts)
    expect(seen.filter(({ path }) => path === '/demo.tgz')).toHaveLength(2)
    await fetch({ ...login, tls: { ca: pems.ca } }, charts)
    expect(seen).toHaveLength(4)
  })

  it('knows the repositories of the operator, with certificates from files, and follows changes', async () => {
    const file = join(directory, 'repositories.yaml')
    writeFileSync(join(directory, 'one.crt'), pems.ca)
    const entry = (password: string) =>
      `repositories:\n- {name: one, url: "${home}/", username: ann, password: ${password}, caFile: one.crt}\n`
    writeFileSync(file, entry('first1'))
    let now = 0
    const repositories = createKnownRepositories({
      files: [file],
      log: { warn: () => undefined },
      redactor: createRedactor(),
      now: () => now,
    })
    expect(await fetch(undefined, fresh({ known: repositories }))).toMatchObject({ version: '1.0.0' })
    expect(seen[0]?.authorization).toBe(`Basic ${Buffer.from('ann:first1').toString('base64')}`)
    expect(await repositories.named('one')).toBe(`${home}/`)
    expect(await repositories.access(`${home}/below`)).toBeUndefined()
    writeFileSync(file, entry('second'))
    now += 60_000
    expect(await repositories.access(home)).toMatchObject({ password: 'second' })
    rmSync(file)
    now += 60_000
    expect(await repositories.access(home)).toMatchObject({ password: 'second' })
  })

  it('says once which file cannot be imported, and refuses an entry with a certificate that is gone', async () => {
    const warnings: unknown[] = []
    const file = join(directory, 'wrong.yaml')
    writeFileSync(file, `repositories: [{name: a, url: "https://a.example.com", caFile: none.crt}]`)
    const repositories = known([join(directory, 'none.yaml'), file], (_object, text) => warnings.push(text))
    expect(await repositories.access('https://b.example.com')).toBeUndefined()
    expect(await repositories.named('b')).toBeUndefined()
    expect(warnings).toEqual([expect.stringContaining('none.yaml cannot be imported')])
    await expect(repositories.access('https://a.example.com')).rejects.toMatchObject({ reason: 'ChartAuthFailed' })
  })

  it.each(['s3://bucket/charts', 'gs://bucket', 'file:///charts', 'git+https://x/y', 'charts', ''])(
    'runs no plugin for %j, and says what to do',
    async (url) => {
      const found = fresh().fromRepository({ url, name: 'demo', version: '1.0.0' }, signal)
      await expect(found).rejects.toMatchObject({
        reason: 'ChartNotFound',
        retry: 'never',
        message: expect.stringContaining('serve the charts over https://'),
      })
    },
  )
})
