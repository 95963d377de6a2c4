import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createEgress } from '../../src/adapters/egress/index.ts'
import { archive, type Entry, openCharts } from './world.ts'

const chart = { path: 'demo/Chart.yaml', content: 'apiVersion: v2\nname: demo\nversion: 1.0.0\n' }

describe('createCharts', () => {
  const directory = mkdtempSync(join(tmpdir(), 'capstan-charts-test-'))
  const egress = createEgress()
  const signal = new AbortController().signal
  let server: Server
  let index = ''
  let body = archive([chart])
  let asked: string[] = []
  let notModified = 0
  let now = 1_000_000

  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const fresh = () => openCharts({ directory: mkdtempSync(join(directory, 'cache-')), egress, now: () => now })
  const source = (version = '1.0.0') => ({ url: url(), name: 'demo', version })

  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(request.url ?? '')
      if (request.url !== '/index.yaml') return void response.end(body)
      const etag = `"${index.length}"`
      if (request.headers['if-none-match'] === etag) {
        notModified += 1
        return void response.writeHead(304).end()
      }
      response.writeHead(200, { etag }).end(index)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })

  beforeEach(() => {
    index = 'entries:\n  demo:\n  - urls: [demo-1.0.0.tgz]\n    version: 1.0.0\n'
    body = archive([chart])
    asked = []
  })

  afterAll(async () => {
    server.closeAllConnections()
    server.close()
    await egress.close()
    rmSync(directory, { recursive: true, force: true })
  })

  it('fetches index and archive once for all who ask at once', async () => {
    const charts = fresh()
    const all = await Promise.all(Array.from({ length: 20 }, () => charts.fromRepository(source(), signal)))
    expect(new Set(all.map(({ digest }) => digest)).size).toBe(1)
    expect(asked).toEqual(['/index.yaml', '/demo-1.0.0.tgz'])
    await charts.fromRepository(source(), signal)
    expect(asked).toHaveLength(2)
  })

  it('asks for an index again after a while, by its ETag, and finds a new version in a range', async () => {
    const charts = fresh()
    expect((await charts.fromRepository(source('^1.0'), signal)).version).toBe('1.0.0')
    now += 60_000
    notModified = 0
    await charts.fromRepository(source('^1.0'), signal)
    expect(notModified).toBe(1)
    index += '  - urls: [demo-1.1.0.tgz]\n    version: 1.1.0\n'
    body = archive([{ ...chart, content: chart.content.replace('1.0.0', '1.1.0') }])
    now += 60_000
    expect((await charts.fromRepository(source('^1.0'), signal)).version).toBe('1.1.0')
  })

  it('does not end a load for others when one of them is stopped', async () => {
    const charts = fresh()
    const stop = new AbortController()
    const one = charts.fromRepository(source(), stop.signal)
    const other = charts.fromRepository(source(), signal)
    stop.abort(new Error('stopped'))
    await expect(one).rejects.toThrow('stopped')
    expect((await other).name).toBe('demo')
  })

  it('refuses an archive with another digest than its index gives', async () => {
    index = `entries:\n  demo:\n  - urls: [demo-1.0.0.tgz]\n    version: 1.0.0\n    digest: ${'0'.repeat(64)}\n`
    await expect(fresh().fromRepository(source(), signal)).rejects.toMatchObject({ reason: 'ChartNotFound' })
  })

  it.each<[string, Entry[]]>([
    ['a symbolic link', [chart, { path: 'demo/values.yaml', type: 'SymbolicLink', linkpath: '/etc/passwd' }]],
    ['a hard link', [chart, { path: 'demo/values.yaml', type: 'Link', linkpath: '/etc/passwd' }]],
    ['a device', [chart, { path: 'demo/zero', type: 'CharacterDevice' }]],
    ['a path that climbs', [chart, { path: 'demo/../../x', content: 'x' }]],
    ['an absolute path', [chart, { path: '/tmp/x', content: 'x' }]],
    ['a path of another system', [chart, { path: 'demo\\..\\x', content: 'x' }]],
    ['a second top folder', [chart, { path: 'other/x', content: 'x' }]],
    ['two files of one name', [chart, { path: 'demo/a', content: '1' }, { path: 'demo/a', content: '2' }]],
    ['a file that is a folder too', [chart, { path: 'demo/a', content: '1' }, { path: 'demo/a/b', content: '2' }]],
    ['a bomb', [chart, { path: 'demo/a', content: '\0'.repeat(40 * 1024 * 1024) }]],
    [
      'too much',
      [chart, ...Array.from({ length: 7 }, (_, i) => ({ path: `demo/${i}`, content: '\0'.repeat(10 * 1024 * 1024) }))],
    ],
    ['too many files', [chart, ...Array.from({ length: 10_001 }, (_, i) => ({ path: `demo/${i}` }))]],
    ['no Chart.yaml', [{ path: 'demo/x', content: 'x' }]],
  ])('refuses an archive with %s, and leaves nothing behind', async (_name, entries) => {
    body = archive(entries)
    const cache = mkdtempSync(join(directory, 'refused-'))
    const charts = openCharts({ directory: cache, egress, now: () => now })
    await expect(charts.fromRepository(source(), signal)).rejects.toMatchObject({ reason: 'ChartNotFound' })
    expect(readdirSync(cache).filter((name) => !name.startsWith('index-'))).toEqual([])
  })

  it('reads no file outside of a chart', async () => {
    const charts = fresh()
    const found = await charts.fromRepository(source(), signal)
    for (const path of ['Chart.yaml', '/Chart.yaml', './Chart.yaml']) {
      expect(await charts.readFile(found, path)).toContain('name: demo')
    }
    for (const path of ['../x', '/../x', '/etc/passwd', found.path, '..', '.', '/', 'sub/../../x', 'none']) {
      expect(await charts.readFile(found, path)).toBeUndefined()
    }
  })

  it('takes a dependency’s version from Chart.lock, and refuses sources that it does not know', async () => {
    const dependency = (repository: string) =>
      `apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies:\n- {name: demo, version: "*", repository: "${repository}"}\n`
    index += '  - urls: [demo-1.1.0.tgz]\n    version: 1.1.0\n'
    const fill = (repository: string) => async (folder: string) => {
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, 'Chart.yaml'), dependency(repository))
      writeFileSync(
        join(folder, 'Chart.lock'),
        `dependencies:\n- {name: demo, version: 1.0.0, repository: "${repository}"}\n`,
      )
    }
    const neighbour = () => Promise.resolve()
    const app = await fresh().fromFolder('one', { fill: fill(url()), neighbour }, signal)
    expect(asked.filter((path) => path.endsWith('.tgz'))).toEqual(['/demo-1.0.0.tgz'])
    expect(readdirSync(join(app.path, 'charts'))).toEqual(['demo'])
    expect(statSync(app.path).mode & 0o777).toBe(0o700)
    const unknown = fresh().fromFolder('two', { fill: fill('s3://x/y'), neighbour }, signal)
    await expect(unknown).rejects.toMatchObject({ reason: 'ChartNotFound' })
  })
})
