import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request as ask, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { pushImage } from '../../playground/stack/push-image.ts'
import { createEgress, createGuard } from '../../src/adapters/egress/index.ts'
import type { ChartAccess } from '../../src/domain/release/chart-access.ts'
import { stack } from '../stack/stack.ts'
import { openCharts } from './world.ts'

const run = promisify(execFile)
const login = (username: string, password: string): ChartAccess => ({ username, password, tls: {}, everywhere: false })

describe('charts of an OCI registry', () => {
  const { registry, helm } = stack()
  const folder = `charts-${randomBytes(4).toString('hex')}`
  const directory = mkdtempSync(join(tmpdir(), 'capstan-oci-test-'))
  const egress = createEgress()
  const signal = new AbortController().signal
  const digests = new Map<string, string>()
  /** In front of the real registry: asks for a login, and can change what goes by. */
  let front: Server
  let wanted: string | undefined
  let spoil = (_path: string, body: Buffer): Buffer => body
  let asked: string[] = []

  const frontHost = () => `127.0.0.1:${(front.address() as AddressInfo).port}`
  const fresh = (hosts = [registry, frontHost()], now = Date.now) =>
    openCharts({ directory: mkdtempSync(join(directory, 'cache-')), egress, insecureHosts: hosts, now })
  const source = (version: string, host = registry) => ({ url: `oci://${host}/${folder}`, name: 'demo', version })

  /** With the real helm, as everybody does. */
  async function push(version: string): Promise<void> {
    const chart = join(directory, version, 'demo')
    mkdirSync(join(chart, 'templates'), { recursive: true })
    writeFileSync(join(chart, 'Chart.yaml'), `apiVersion: v2\nname: demo\nversion: ${version}\n`)
    writeFileSync(join(chart, 'templates/a.yaml'), `# ${version}\n`)
    await run(helm, ['package', chart, '-d', directory])
    const archive = join(directory, `demo-${version}.tgz`)
    const { stdout, stderr } = await run(helm, ['push', archive, `oci://${registry}/${folder}`, '--plain-http'])
    digests.set(version, /Digest: (sha256:[0-9a-f]{64})/.exec(stdout + stderr)?.[1] ?? '')
  }

  beforeAll(async () => {
    for (const version of ['1.0.0', '1.1.0', '2.0.0-rc.1', '2.0.0+build.5']) await push(version)
    front = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`)
      if (wanted !== undefined && request.headers.authorization !== wanted) {
        return void response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
      }
      const { authorization: _, ...headers } = request.headers
      const { url, method } = request
      ask(`http://${registry}${url}`, { method, headers }, (answer) => {
        const parts: Buffer[] = []
        answer.on('data', (part: Buffer) => parts.push(part))
        answer.on('end', () => {
          const body = spoil(url ?? '', Buffer.concat(parts))
          const length = method === 'HEAD' ? answer.headers['content-length'] : body.length
          response.writeHead(answer.statusCode ?? 500, { ...answer.headers, 'content-length': length }).end(body)
        })
      }).end()
    })
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve))
  })

  beforeEach(() => {
    asked = []
    wanted = undefined
    spoil = (_path, body) => body
  })

  afterAll(async () => {
    front.closeAllConnections()
    front.close()
    await egress.close()
    rmSync(directory, { recursive: true, force: true })
  })

  it.each([
    ['1.0.0', '1.0.0'],
    ['^1.0.0', '1.1.0'],
    ['>=1.0.0, <1.1.0', '1.0.0'],
    ['*', '2.0.0+build.5'],
    ['2.0.0+build.5', '2.0.0+build.5'],
    ['2.0.0-rc.1', '2.0.0-rc.1'],
    ['v1.1.0', '1.1.0'],
  ])('%s is version %s', async (version, expected) => {
    const chart = await fresh().fromRepository(source(version), signal)
    expect(chart).toMatchObject({ name: 'demo', version: expected })
  })

  it('takes what a digest names, alone or beside its version, and refuses one of another version', async () => {
    const digest = digests.get('1.0.0') ?? ''
    expect(digest).toMatch(/^sha256:/)
    for (const version of [digest, `@${digest}`, `1.0.0@${digest}`, `^1@${digest}`]) {
      expect(await fresh().fromRepository(source(version), signal)).toMatchObject({ version: '1.0.0' })
    }
    const other = fresh().fromRepository(source(`1.1.0@${digest}`), signal)
    await expect(other).rejects.toMatchObject({
      reason: 'ChartNotFound',
      message: expect.stringContaining('not 1.1.0'),
    })
    const none = fresh().fromRepository(source(`sha256:${'0'.repeat(64)}`), signal)
    await expect(none).rejects.toMatchObject({ reason: 'ChartNotFound' })
  })

  it.each([
    ['a version that is not there', '3.0.0', 'demo', /no version 3\.0\.0/],
    ['a range that nothing fits', '^9', 'demo', /no version \^9/],
    ['a chart that is not there', '1.0.0', 'other', /no chart/],
    ['a name that leads elsewhere', '1.0.0', '../../x', /no oci:\/\/host\/path/],
  ])('says that there is %s', async (_what, version, name, message) => {
    const found = fresh().fromRepository({ ...source(version), name }, signal)
    await expect(found).rejects.toMatchObject({ reason: 'ChartNotFound', message: expect.stringMatching(message) })
  })

  it('refuses an image that is no chart', async () => {
    await pushImage({ registry, repository: `${folder}/image`, tag: '1.0.0' })
    const found = fresh().fromRepository({ ...source('1.0.0'), name: 'image' }, signal)
    await expect(found).rejects.toMatchObject({
      reason: 'ChartNotFound',
      message: expect.stringContaining('something else'),
    })
  })

  it('asks once for all who want the same, and not at all for what it has', async () => {
    const charts = fresh(undefined, () => 0)
    const all = await Promise.all(
      Array.from({ length: 20 }, () => charts.fromRepository(source('^1', frontHost()), signal)),
    )
    expect(new Set(all.map(({ path }) => path)).size).toBe(1)
    const count = (what: RegExp) => asked.filter((line) => what.test(line)).length
    expect([count(/tags\/list/), count(/GET .*\/manifests\//), count(/\/blobs\//)]).toEqual([1, 1, 1])
    await charts.fromRepository(source('1.1.0', frontHost()), signal)
    asked = []
    await charts.fromRepository(source('^1', frontHost()), signal)
    await charts.fromRepository(source('1.1.0', frontHost()), signal)
    expect(asked).toEqual([])
  })

  it('logs in, and gives what one login fetched to nobody else', async () => {
    wanted = `Basic ${Buffer.from('ann:secret').toString('base64')}`
    const charts = fresh()
    const at = (access?: ChartAccess) =>
      charts.fromRepository({ ...source('1.0.0', frontHost()), ...(access ? { access } : {}) }, signal)
    expect(await at(login('ann', 'secret'))).toMatchObject({ version: '1.0.0' })
    for (const access of [undefined, login('ann', 'wrong'), login('bob', 'secret')]) {
      await expect(at(access)).rejects.toMatchObject({ reason: 'ChartAuthFailed' })
    }
  })

  it('takes the operator’s login where a release brings none, and says when that was refused', async () => {
    wanted = `Basic ${Buffer.from('operator:secret').toString('base64')}`
    const options = { directory: mkdtempSync(join(directory, 'cache-')), egress, insecureHosts: [frontHost()] }
    const refused: string[] = []
    let password = 'old'
    const logins = {
      find: async () => ({ username: 'operator', password }),
      refused: (host: string) => void refused.push(host),
    }
    const charts = openCharts({ ...options, logins })
    const found = charts.fromRepository(source('1.0.0', frontHost()), signal)
    await expect(found).rejects.toMatchObject({ reason: 'ChartAuthFailed' })
    expect(refused).toEqual([frontHost()])
    password = 'secret'
    expect(await charts.fromRepository(source('1.0.0', frontHost()), signal)).toMatchObject({ version: '1.0.0' })
    const own = { ...source('^1', frontHost()), access: login('ann', 'wrong') }
    await expect(charts.fromRepository(own, signal)).rejects.toMatchObject({ reason: 'ChartAuthFailed' })
    expect(refused).toHaveLength(1)
  })

  it.each<[string, (path: string, body: Buffer) => Buffer]>([
    ['a layer', (path, body) => (path.includes('/blobs/') ? Buffer.concat([body, Buffer.from('x')]) : body)],
    [
      'a manifest',
      (path, body) =>
        path.includes('/manifests/sha256') ? Buffer.from(body.toString().replace('demo', 'evil')) : body,
    ],
  ])('refuses %s with another digest than was asked for', async (_what, change) => {
    const before = await fresh().fromRepository(source('1.0.0', frontHost()), signal)
    expect(before.version).toBe('1.0.0')
    spoil = change
    const found = fresh().fromRepository(source('1.0.0', frontHost()), signal)
    await expect(found).rejects.toMatchObject({ reason: 'ChartNotFound', message: expect.stringContaining('digest') })
  })

  it('speaks no plain HTTP to a registry that the operator has not named', async () => {
    const found = fresh([]).fromRepository(source('1.0.0'), signal)
    await expect(found).rejects.toMatchObject({ reason: 'ChartNotFound' })
  })

  it('asks no private address for tenants, and nobody’s metadata service, by whatever name', async () => {
    const options = {
      directory: mkdtempSync(join(directory, 'cache-')),
      egress,
      insecureHosts: [registry, 'a.test:80'],
    }
    const port = registry.split(':')[1] ?? ''
    const strict = openCharts({ ...options, guard: createGuard({ allowPrivate: false }) })
    await expect(strict.fromRepository(source('1.0.0'), signal)).rejects.toMatchObject({ reason: 'ChartNotFound' })
    const asked: string[] = []
    const resolve = async (host: string) => (asked.push(host), ['169.254.169.254'])
    const named = openCharts({ ...options, guard: createGuard({ resolve }) })
    for (const host of ['a.test:80', '169.254.169.254', `[::ffff:a9fe:a9fe]:${port}`]) {
      await expect(named.fromRepository(source('1.0.0', host), signal)).rejects.toMatchObject({
        reason: 'ChartNotFound',
      })
    }
    expect(new Set(asked)).toEqual(new Set(['a.test']))
  })

  it('brings dependencies from registries, by the version of Chart.lock', async () => {
    const url = source('').url
    const fill = async (to: string) => {
      mkdirSync(to, { recursive: true })
      const dependency = `- {name: demo, version: "*", repository: "${url}"}`
      writeFileSync(join(to, 'Chart.yaml'), `apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies:\n${dependency}\n`)
      writeFileSync(join(to, 'Chart.lock'), `dependencies:\n${dependency.replace('*', '1.1.0')}\n`)
    }
    const key = createHash('sha256').update(folder).digest('hex')
    const app = await fresh().fromFolder(key, { fill, neighbour: () => Promise.resolve() }, signal)
    const { stdout } = await run(helm, ['show', 'chart', join(app.path, 'charts', 'demo')])
    expect(stdout).toContain('version: 1.1.0')
    await run(helm, ['template', 'x', app.path])
  })
})
