import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Cluster, createCluster, type WatchEvent } from '../../src/adapters/cluster/index.ts'
import { AppError } from '../../src/domain/error.ts'
import type { KubeObject } from '../../src/domain/manifest/object.ts'
import { quiet, until } from './world.ts'

/** What the server says to one request; a function may look at it. */
type Reply = { status: number; headers?: Record<string, string | string[]>; body?: unknown; open?: boolean }
type Script = (request: IncomingMessage, nth: number) => Reply | undefined

let server: Server
let folder: string
let cluster: Cluster
let script: Script
let seen: { line: string; body: string; headers: IncomingMessage['headers'] }[]

const coreResources = {
  kind: 'APIResourceList',
  resources: [
    { name: 'configmaps', kind: 'ConfigMap', namespaced: true, verbs: ['get', 'list', 'watch'] },
    { name: 'configmaps/odd', kind: 'Odd', namespaced: true, verbs: [] },
    { name: 'secrets', kind: 'Secret', namespaced: true, verbs: [] },
  ],
}

/** An old server with two groups, of which one does not answer. */
const discovery: Record<string, Reply> = {
  '/api': { status: 200, body: { kind: 'APIVersions', versions: ['v1'] } },
  '/apis': {
    status: 200,
    body: {
      kind: 'APIGroupList',
      groups: [
        { name: 'apps', versions: [{ groupVersion: 'apps/v1' }] },
        { name: 'metrics.k8s.io', versions: [{ groupVersion: 'metrics.k8s.io/v1' }] },
      ],
    },
  },
  '/api/v1': { status: 200, body: coreResources },
  '/apis/apps/v1': {
    status: 200,
    body: { resources: [{ name: 'deployments', kind: 'Deployment', namespaced: true, verbs: ['get'] }] },
  },
  '/apis/metrics.k8s.io/v1': { status: 503, body: { kind: 'Status', message: 'the server is currently unable' } },
}

beforeEach(async () => {
  seen = []
  script = () => undefined
  const counts = new Map<string, number>()
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      const [path = ''] = (request.url ?? '').split('?')
      const line = `${request.method} ${path}`
      const nth = (counts.get(line) ?? 0) + 1
      counts.set(line, nth)
      seen.push({ line, body, headers: request.headers })
      const reply = script(request, nth) ?? discovery[path] ?? { status: 404 }
      response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers })
      const text = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body ?? {})
      if (reply.open) response.write(text)
      else response.end(text)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  folder = mkdtempSync(join(tmpdir(), 'capstan-odd-'))
  const kubeconfig = join(folder, 'kubeconfig')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const config = {
    clusters: [{ name: 'c', cluster: { server: url, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { token: 'a-token' } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  }
  writeFileSync(kubeconfig, JSON.stringify(config))
  cluster = createCluster({ kubeconfig, log: quiet, watchTiming: { paceMs: 20, unknownMs: 100 } })
})
afterEach(async () => {
  await cluster.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  rmSync(folder, { recursive: true })
})

const map: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'n' }, data: {} }
const path = '/api/v1/namespaces/n/configmaps/a'
const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'n', name: 'a' }

function status(code: number, message: string, more: Record<string, unknown> = {}): Reply {
  return { status: code, body: { kind: 'Status', code, message, ...more } }
}
function asked(line: string): number {
  return seen.filter((one) => one.line === line).length
}

function event(type: string, resourceVersion: string, more: Record<string, unknown> = {}): string {
  return `${JSON.stringify({ type, object: { metadata: { name: 'a', resourceVersion }, ...more } })}\n`
}

describe('discovery', () => {
  it('reads a server without aggregated discovery, and a dead group hides no other', async () => {
    expect((await cluster.resources()).map(({ kind }) => kind).toSorted()).toEqual([
      'ConfigMap',
      'Deployment',
      'Secret',
    ])
    expect(await cluster.resource('apps/v1', 'Deployment')).toMatchObject({ plural: 'deployments' })
  })

  it('does not call a kind of a dead group unknown', async () => {
    await expect(cluster.resource('metrics.k8s.io/v1', 'PodMetrics')).rejects.toMatchObject({
      reason: 'ClusterUnavailable',
    })
  })

  it('does not believe what the API server heard last of a group whose server is away', async () => {
    const resource = (kind: string) => ({ resource: kind.toLowerCase(), responseKind: { kind }, scope: 'Namespaced' })
    const version = (freshness: string, kind: string) => ({ version: 'v1', freshness, resources: [resource(kind)] })
    const items = [
      { metadata: { name: 'apps' }, versions: [version('Current', 'Deployment')] },
      { metadata: { name: 'metrics.k8s.io' }, versions: [version('Stale', 'PodMetrics')] },
    ]
    script = ({ url }) =>
      url === '/apis' ? { status: 200, body: { kind: 'APIGroupDiscoveryList', items } } : undefined
    expect((await cluster.resource('apps/v1', 'Deployment'))?.kind).toBe('Deployment')
    await expect(cluster.resource('metrics.k8s.io/v1', 'PodMetrics')).rejects.toMatchObject({
      reason: 'ClusterUnavailable',
    })
    expect((await cluster.resources()).map(({ kind }) => kind)).not.toContain('PodMetrics')
  })

  it('asks once a second at most for a kind that is not there', async () => {
    const begunAt = performance.now()
    for (let time = 0; time < 20; time++) expect(await cluster.resource('apps/v1', 'Nope')).toBeUndefined()
    const seconds = Math.floor((performance.now() - begunAt) / 1000)
    expect(asked('GET /apis/apps/v1')).toBeGreaterThanOrEqual(2)
    expect(asked('GET /apis/apps/v1')).toBeLessThanOrEqual(2 + seconds)
  })
})

describe('a fenced cluster', () => {
  it('sends nothing that stood in line when the Lease was lost, and nothing again (hazard B8)', async () => {
    // 32 are sent and get no answer, so that the others wait for their turn
    script = (request) => (request.method === 'PATCH' ? { status: 200, body: '{', open: true } : undefined)
    let isLost = false
    const fenced = cluster.fenced(() => {
      if (isLost) throw new AppError('FenceLost', 'the Lease was lost')
    })
    const writes = Array.from({ length: 40 }, (_, nth) =>
      fenced.apply({ ...map, metadata: { ...map.metadata, name: `a-${nth}` } }, { force: true }),
    )
    const ends = Promise.allSettled(writes)
    const sent = () => seen.filter(({ line }) => line.startsWith('PATCH')).length
    await until('32 writes are under way', () => sent() === 32)
    isLost = true
    server.closeAllConnections()
    const reasons = (await ends).map((end) => (end.status === 'rejected' ? (end.reason as AppError).reason : 'written'))
    expect(reasons).toEqual(Array.from({ length: 40 }, () => 'FenceLost'))
    expect(sent()).toBe(32)
    script = () => ({ status: 200, body: map })
    await expect(fenced.get(ref)).resolves.toMatchObject({ kind: 'ConfigMap' })
  })

  it('sends nothing when the Lease was lost between the turn of a write and its first byte (hazard B8)', async () => {
    let asked = 0
    const fenced = cluster.fenced(() => {
      if (++asked > 1) throw new AppError('FenceLost', 'the Lease was lost')
    })
    await expect(fenced.apply(map, { force: true })).rejects.toMatchObject({ reason: 'FenceLost' })
    expect(asked).toBe(2)
    expect(seen.filter(({ line }) => line.startsWith('PATCH'))).toEqual([])
  })
})

describe('a request', () => {
  it('waits as long as Retry-After says, and is sent again', async () => {
    script = (request, nth) =>
      request.method === 'PATCH' && nth === 1
        ? { ...status(429, 'slow down'), headers: { 'retry-after': '1' } }
        : undefined
    const begun = performance.now()
    await expect(cluster.apply(map, { force: true })).rejects.toMatchObject({ reason: 'UnknownKind' })
    expect(performance.now() - begun).toBeGreaterThanOrEqual(1000)
    expect(asked(`PATCH ${path}`)).toBe(2)
  })

  it.each([
    [
      'a schema error',
      500,
      'failed to create typed patch object: .foo: field not declared in schema',
      'ApplyRefused',
      'never',
      1,
    ],
    [
      'a webhook that does not answer',
      500,
      'Internal error occurred: failed calling webhook "x": context deadline exceeded',
      'ApplyRefused',
      'never',
      1,
    ],
    ['a storage that is busy', 500, 'etcdserver: leader changed', 'ClusterUnavailable', 'backoff', 4],
    ['a server that restarts', 503, 'apiserver is shutting down', 'ClusterUnavailable', 'backoff', 4],
    [
      'a right that is missing',
      403,
      'configmaps "a" is forbidden: User "x" cannot patch resource "configmaps"',
      'Forbidden',
      'backoff',
      1,
    ],
    ['a quota', 403, 'configmaps "a" is forbidden: exceeded quota: q', 'QuotaExceeded', 'backoff', 1],
    [
      'an immutable field',
      422,
      'ConfigMap "a" is invalid: data: Forbidden: field is immutable when `immutable` is set',
      'ImmutableField',
      'never',
      1,
    ],
    ['a body that is too big', 413, 'limit is 3145728', 'ApplyRefused', 'never', 1],
  ])('meets %s', async (...[, code, message, reason, retry, times]) => {
    script = (request) => (request.method === 'PATCH' ? status(code, message) : undefined)
    await expect(cluster.apply(map, { force: true })).rejects.toMatchObject({ reason, retry })
    expect(asked(`PATCH ${path}`)).toBe(times)
  })

  it('never shows a foreign page, and no value of a Secret', async () => {
    script = (request) =>
      request.method === 'GET' && request.url?.startsWith(path)
        ? { status: 404, body: '<html>hello</html>' }
        : undefined
    const page: unknown = await cluster.get(ref).catch((error: unknown) => error)
    expect((page as Error).message).not.toContain('hello')
    script = (request) =>
      request.method === 'PATCH'
        ? status(422, 'Secret "s" is invalid: data[password]: Invalid value: "hunter2": no', {
            reason: 'Invalid',
            details: { name: 's', causes: [{ field: 'data[password]', message: 'Invalid value: "hunter2"' }] },
          })
        : undefined
    const secret = { ...map, kind: 'Secret' }
    const refused: unknown = await cluster.apply(secret, { force: true }).catch((error: unknown) => error)
    expect((refused as Error).message).toBe(
      'The API server refused to apply Secret n:secret/a (Invalid): data[password].',
    )
    expect(JSON.stringify(refused)).not.toContain('hunter2')
  })

  it('reads its credentials again after a 401, once', async () => {
    script = (request, nth) => (request.url?.startsWith(path) && nth === 1 ? status(401, 'Unauthorized') : undefined)
    await expect(cluster.get(ref)).rejects.toMatchObject({ reason: 'UnknownKind' })
    expect(asked(`GET ${path}`)).toBe(2)
    expect(seen.every(({ headers }) => headers.authorization === 'Bearer a-token')).toBe(true)
  })

  it('sends integers exactly and returns warnings', async () => {
    script = (request) =>
      request.method === 'PATCH'
        ? { status: 201, headers: { warning: ['299 - "unknown field \\"spec.x\\""', '299 - "old API"'] }, body: map }
        : undefined
    const applied = await cluster.apply({ ...map, data: { big: 9007199254740993n, text: '1' } }, { force: true })
    expect(applied).toMatchObject({ created: true, warnings: ['unknown field "spec.x"', 'old API'] })
    expect(seen.at(-1)?.body).toContain('"big":9007199254740993,')
    expect(seen.at(-1)?.headers['content-type']).toBe('application/apply-patch+yaml')
  })

  it('refuses names that would lead elsewhere', async () => {
    for (const name of ['..', 'a/b', 'a%2fb', '']) {
      await expect(cluster.get({ ...ref, name })).rejects.toMatchObject({ reason: 'ApplyRefused' })
    }
  })
})

describe('a list', () => {
  it('is begun again when its pages expire in the middle', async () => {
    const first = { metadata: { resourceVersion: '5', continue: 'next' }, items: [{ metadata: { name: 'a' } }] }
    const last = { metadata: { resourceVersion: '6' }, items: [{ metadata: { name: 'b' } }] }
    script = (request, nth) => {
      if (!request.url?.startsWith('/api/v1/configmaps')) return undefined
      if (nth === 2) return status(410, 'expired')
      return { status: 200, body: nth === 4 ? last : first }
    }
    const items = await cluster.list({ apiVersion: 'v1', kind: 'ConfigMap' })
    expect(items.map(({ metadata }) => metadata.name)).toEqual(['a', 'b'])
  })
})

describe('a watch', () => {
  it('goes on from the last bookmark, and lists again after an ERROR event of 410', async () => {
    const versions: string[] = []
    let lists = 0
    script = (request) => {
      const url = new URL(request.url ?? '', 'http://x')
      if (url.pathname !== '/api/v1/configmaps') return undefined
      if (!url.searchParams.has('watch'))
        return { status: 200, body: { metadata: { resourceVersion: `${++lists}00` }, items: [] } }
      versions.push(url.searchParams.get('resourceVersion') ?? '')
      expect(url.searchParams.get('allowWatchBookmarks')).toBe('true')
      if (versions.length === 1) return { status: 200, body: event('ADDED', '101') + event('BOOKMARK', '150') }
      if (versions.length === 2) return { status: 200, body: event('ERROR', '', { code: 410 }) }
      return { status: 200, body: event('ADDED', '201'), open: true }
    }
    const events: WatchEvent[] = []
    const watch = cluster.watch({ apiVersion: 'v1', kind: 'ConfigMap' }, (one) => events.push(one))
    await until('it settled', () => events.length >= 4)
    watch.stop()
    expect(events.map(({ type }) => type)).toEqual(['replaced', 'changed', 'replaced', 'changed'])
    expect(versions.slice(0, 3)).toEqual(['100', '150', '200'])
  })

  it('says so when the cluster has gone back in time, as after a restored backup (hazard C12)', async () => {
    const versions = ['100', '90', '90', '110']
    let lists = 0
    script = (request) => {
      const url = new URL(request.url ?? '', 'http://x')
      if (url.pathname !== '/api/v1/configmaps') return undefined
      if (url.searchParams.has('watch')) return { status: 200, body: event('ERROR', '', { code: 410 }) }
      return { status: 200, body: { metadata: { resourceVersion: versions[lists++] ?? '110' }, items: [] } }
    }
    const events: WatchEvent[] = []
    const watch = cluster.watch({ apiVersion: 'v1', kind: 'ConfigMap' }, (one) => events.push(one))
    await until('four lists', () => events.length >= 4)
    watch.stop()
    const rewound = events.slice(0, 4).map((one) => one.type === 'replaced' && (one.isRewound ?? false))
    expect(rewound).toEqual([false, true, false, false])
  })

  it('asks a server that was away for its version, and lists again where it does not have ours yet (hazard C12)', async () => {
    const versions = ['100', '90', '90']
    const seen: string[] = []
    script = (request) => {
      const url = new URL(request.url ?? '', 'http://x')
      if (url.pathname !== '/api/v1/configmaps') return undefined
      if (!url.searchParams.has('watch')) {
        seen.push(`list of ${url.searchParams.get('limit')}`)
        return { status: 200, body: { metadata: { resourceVersion: versions.shift() ?? '90' }, items: [] } }
      }
      seen.push(`watch from ${url.searchParams.get('resourceVersion')}`)
      return seen.length === 2 ? { status: 500, body: {} } : { status: 200, body: event('ADDED', '91'), open: true }
    }
    const events: WatchEvent[] = []
    const watch = cluster.watch({ apiVersion: 'v1', kind: 'ConfigMap' }, (one) => events.push(one))
    await until('a change after the restore', () => events.length >= 3)
    watch.stop()
    expect(seen).toEqual(['list of 500', 'watch from 100', 'list of 1', 'list of 500', 'watch from 90'])
    expect(events.map((one) => one.type === 'replaced' && (one.isRewound ?? false))).toEqual([false, true, false])
  })

  it('tells once that all is gone when its kind is not served any more, and lists again when it is', async () => {
    let isServed = true
    script = (request) => {
      const url = new URL(request.url ?? '', 'http://x')
      if (!isServed && url.pathname === '/apis/apps/v1') return { status: 200, body: { resources: [] } }
      if (url.pathname !== '/apis/apps/v1/deployments') return undefined
      if (!isServed || url.searchParams.has('watch')) return { status: 404 }
      const item = { metadata: { name: 'a', namespace: 'x', resourceVersion: '1' } }
      return { status: 200, body: { metadata: { resourceVersion: '100' }, items: [item] } }
    }
    const held: number[] = []
    const watch = cluster.watch({ apiVersion: 'apps/v1', kind: 'Deployment' }, (one) => {
      if (one.type === 'replaced') held.push(one.items.length)
    })
    await watch.synced
    isServed = false
    await until('nothing is held any more', () => held.at(-1) === 0)
    const looks = asked('GET /apis/apps/v1')
    await until('it has looked again', () => asked('GET /apis/apps/v1') > looks + 2)
    expect(held.filter((count) => count === 0)).toEqual([0])
    isServed = true
    await until('it is listed again', () => held.at(-1) === 1)
    watch.stop()
  })

  it('lists again after three closes that brought nothing', async () => {
    let lists = 0
    script = (request) => {
      const url = new URL(request.url ?? '', 'http://x')
      if (url.pathname !== '/api/v1/configmaps') return undefined
      if (url.searchParams.has('watch')) return { status: 200, body: '' }
      lists += 1
      return { status: 200, body: { metadata: { resourceVersion: '100' }, items: [] } }
    }
    const watch = cluster.watch({ apiVersion: 'v1', kind: 'ConfigMap' }, () => {})
    await until('a second list', () => lists === 2)
    watch.stop()
    expect(asked('GET /api/v1/configmaps')).toBeGreaterThanOrEqual(5)
  })
})
