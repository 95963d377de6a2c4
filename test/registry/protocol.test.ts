import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRegistry, type Registry } from '../../src/adapters/registry/index.ts'
import type { Logger } from '../../src/lib/logger.ts'
import { type Answering, type FakeServer, json, startServer } from './fake-registry.ts'
import { digestOf } from './push-image.ts'
import { startInternet } from './stand-in.ts'

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
const access = { insecure: true }
const auth = { username: 'user', password: 'pass-word' }
const basic = `Basic ${Buffer.from('user:pass-word').toString('base64')}`
const servers: FakeServer[] = []
let registry: Registry

beforeEach(() => {
  registry = createRegistry({ log: silent })
})
afterEach(async () => {
  await registry.close()
  for (const server of servers.splice(0)) await server.close()
})

async function start(answering: Answering): Promise<FakeServer> {
  const server = await startServer((seen, answer, host) => {
    if (seen.path === '/v2/') return json(answer, 200, {})
    return answering(seen, answer, host)
  })
  servers.push(server)
  return server
}

const tags = (answer: ServerResponse, list: unknown, headers: Record<string, string> = {}) =>
  json(answer, 200, { name: 'app', tags: list }, headers)
const pathsOf = ({ seen }: FakeServer) => seen.map(({ path }) => path).filter((path) => path !== '/v2/')

/** Lets in who brings the newest token; the token goes to whom `mayHave` says. */
async function startWithTokens(mayHave: (authorization: string | undefined) => boolean, realm = '/token') {
  const state = { issued: 0 }
  const server = await start((seen, answer, host) => {
    const url = new URL(seen.path, `http://${host}`)
    if (url.pathname === '/token') {
      if (!mayHave(seen.authorization)) return json(answer, 401, {})
      return json(answer, 200, { token: `token-${++state.issued}`, expires_in: 300 })
    }
    if (seen.authorization === `Bearer token-${state.issued}` && state.issued > 0) return tags(answer, ['1'])
    const place = realm.startsWith('http') ? realm : `http://${host}${realm}`
    const challenge = `Bearer realm="${place}",service="registry.test",scope="repository:other:push"`
    return json(answer, 401, {}, { 'www-authenticate': challenge })
  })
  return { server, state }
}

const guarded: Answering = (seen, answer) =>
  seen.authorization === basic
    ? tags(answer, ['1'])
    : json(answer, 401, {}, { 'www-authenticate': 'Basic realm="registry"' })

describe('tokens', () => {
  it('fetches one, anonymously, and asks for no more than to pull this repository', async () => {
    const { server } = await startWithTokens(() => true)
    expect(await registry.tags(`${server.host}/my/app`, access)).toEqual(['1'])
    expect(pathsOf(server)[1]).toBe('/token?service=registry.test&scope=repository%3Amy%2Fapp%3Apull')
    expect(server.seen.every(({ authorization }) => !authorization?.startsWith('Basic'))).toBe(true)
  })

  it('uses it again, and gets one for many requests at once', async () => {
    const { server, state } = await startWithTokens(() => true)
    await Promise.all(Array.from({ length: 20 }, () => registry.tags(`${server.host}/app`, access)))
    await registry.tags(`${server.host}/app`, access)
    expect(state.issued).toBe(1)
  })

  it('renews one that was refused, within two requests', async () => {
    const { server, state } = await startWithTokens(() => true)
    await registry.tags(`${server.host}/app`, access)
    state.issued++
    const before = server.seen.length
    expect(await registry.tags(`${server.host}/app`, access)).toEqual(['1'])
    expect(server.seen.length - before).toBe(3)
  })

  it('shows the login to the token server only', async () => {
    const { server } = await startWithTokens((authorization) => authorization === basic)
    expect(await registry.tags(`${server.host}/app`, { ...access, auth })).toEqual(['1'])
    const shown = server.seen.filter(({ authorization }) => authorization === basic)
    expect(shown.map(({ path }) => path.split('?')[0])).toEqual(['/token'])
  })

  it('tells of a login that is refused, and shows no password', async () => {
    const { server } = await startWithTokens(() => false)
    const failed = registry.tags(`${server.host}/app`, { ...access, auth })
    await expect(failed).rejects.toMatchObject({ reason: 'RegistryAuthFailed' })
    await expect(failed).rejects.not.toThrow(/pass-word/)
  })

  it.each([
    'http://169.254.169.254/latest/meta-data/iam/security-credentials/x',
    'http://localhost.localdomain/token',
    'file:///etc/passwd',
    'nonsense',
  ])('asks no other host for a token: %s', async (realm) => {
    const other = await start((_, answer) => json(answer, 200, { token: 'x' }))
    const { server } = await startWithTokens(
      () => true,
      realm.replace('localhost.localdomain', other.host.replace('127.0.0.1', 'localhost')),
    )
    const failed = registry.tags(`${server.host}/app`, access)
    await expect(failed).rejects.toMatchObject({ reason: 'RegistryAuthFailed' })
    expect(other.seen).toEqual([])
    expect(pathsOf(server)).toHaveLength(1)
  })

  it('gives up after one refused token', async () => {
    const server = await start((seen, answer, host) => {
      if (seen.path.startsWith('/token')) return json(answer, 200, { access_token: 'x' })
      return json(answer, 401, {}, { 'www-authenticate': `Bearer realm="http://${host}/token"` })
    })
    await expect(registry.tags(`${server.host}/app`, access)).rejects.toMatchObject({ reason: 'RegistryAuthFailed' })
    expect(server.seen.filter(({ path }) => path.startsWith('/token'))).toHaveLength(1)
  })
})

describe('basic logins', () => {
  it('are sent when asked for, and from then on at once', async () => {
    const server = await start(guarded)
    await registry.tags(`${server.host}/app`, { ...access, auth })
    await registry.tags(`${server.host}/app`, { ...access, auth })
    expect(server.seen.filter(({ path }) => path !== '/v2/').map(({ authorization }) => authorization)).toEqual([
      undefined,
      basic,
      basic,
    ])
  })

  it('are missing: that is the reason', async () => {
    const server = await start(guarded)
    await expect(registry.tags(`${server.host}/app`, access)).rejects.toMatchObject({ reason: 'RegistryAuthFailed' })
  })
})

describe('pages', () => {
  it('are followed to the end, each tag once', async () => {
    const server = await start((seen, answer, host) => {
      const url = new URL(seen.path, `http://${host}`)
      const page = Number(url.searchParams.get('last') ?? 0)
      const next: Record<string, string> =
        page < 3 ? { link: `</v2/app/tags/list?last=${page + 1}&n=2>; rel="next"` } : {}
      return tags(answer, [`a${page}`, 'again'], next)
    })
    expect(await registry.tags(`${server.host}/app`, access)).toEqual(['a0', 'again', 'a1', 'a2', 'a3'])
  })

  it('are not followed to another origin', async () => {
    const other = await start((_, answer) => tags(answer, ['evil']))
    const server = await start((_, answer) =>
      tags(answer, ['1'], { link: `<http://${other.host}/v2/app/tags/list>; rel="next"` }),
    )
    await expect(registry.tags(`${server.host}/app`, access)).rejects.toMatchObject({ reason: 'RegistryUnreachable' })
    expect(other.seen).toEqual([])
  })

  it.each([
    ['circles', (host: string) => `<http://${host}/v2/app/tags/list?n=1000>; rel="next"`],
    ['another part of the host', () => '</admin/delete>; rel="next"'],
  ])('are not followed in %s', async (_, link) => {
    const server = await start((_seen, answer, host) => tags(answer, ['1'], { link: link(host) }))
    await expect(registry.tags(`${server.host}/app`, access)).rejects.toMatchObject({ reason: 'RegistryUnreachable' })
    expect(pathsOf(server)).toHaveLength(1)
  })

  it('of a host that we were redirected to are followed without the login', async () => {
    const other = await start((seen, answer) =>
      seen.path.includes('last=')
        ? tags(answer, ['2'])
        : tags(answer, ['1'], { link: '</v2/app/tags/list?last=1>; rel="next"' }),
    )
    const server = await start((seen, answer) => {
      if (seen.authorization !== basic) return json(answer, 401, {}, { 'www-authenticate': 'Basic realm="x"' })
      return void answer.writeHead(307, { location: `http://${other.host}${seen.path}` }).end()
    })
    expect(await registry.tags(`${server.host}/app`, { ...access, auth })).toEqual(['1', '2'])
    expect(other.seen.map(({ authorization }) => authorization)).toEqual([undefined, undefined])
  })

  it('of another host that wants a login get none', async () => {
    const other = await start((seen, answer) =>
      seen.path.includes('last=')
        ? json(answer, 401, {}, { 'www-authenticate': 'Basic realm="x"' })
        : tags(answer, ['1'], { link: '</v2/app/tags/list?last=1>; rel="next"' }),
    )
    const server = await start(
      (seen, answer) => void answer.writeHead(307, { location: `http://${other.host}${seen.path}` }).end(),
    )
    const listed = registry.tags(`${server.host}/app`, { ...access, auth })
    await expect(listed).rejects.toMatchObject({ reason: 'RegistryAuthFailed' })
    expect([...server.seen, ...other.seen].map(({ authorization }) => authorization)).not.toContain(basic)
  })

  it('end after a hundred, and half a list is no list', async () => {
    let page = 0
    const server = await start((_, answer) =>
      tags(answer, ['1'], { link: `</v2/app/tags/list?p=${++page}>; rel="next"` }),
    )
    await expect(registry.tags(`${server.host}/app`, access)).rejects.toThrow(/100 pages/)
    expect(page).toBe(100)
  })
})

describe('hostile and broken answers', () => {
  it.each([
    ['no JSON', 'nonsense'],
    ['tags that are no list', '{"tags":{"a":1}}'],
    ['more than 8 MB', `{"tags":["${'a'.repeat(9 * 1024 * 1024)}"]}`],
  ])('%s is a failure and not an empty list', async (_, body) => {
    const server = await start((_seen, answer) => void answer.end(body))
    await expect(registry.tags(`${server.host}/app`, access)).rejects.toMatchObject({ reason: 'RegistryUnreachable' })
  })

  it('leaves out what is no tag', async () => {
    const server = await start((_, answer) => tags(answer, ['1', '../../x', 'a b', 7, null, '', 'ok']))
    expect(await registry.tags(`${server.host}/app`, access)).toEqual(['1', 'ok'])
  })

  it('a 404 without the words of a registry is no empty list', async () => {
    const server = await start((_, answer) => void answer.writeHead(404).end('<html>'))
    await expect(registry.tags(`${server.host}/app`, access)).rejects.toMatchObject({ reason: 'RegistryUnreachable' })
  })

  it('a server in trouble is asked three times, a moment apart', async () => {
    let count = 0
    const server = await start((_, answer) => (++count < 3 ? json(answer, 503, {}) : tags(answer, ['1'])))
    expect(await registry.tags(`${server.host}/app`, access)).toEqual(['1'])
    const always = await start((_, answer) => json(answer, 500, {}))
    await expect(registry.tags(`${always.host}/app`, access)).rejects.toMatchObject({ reason: 'RegistryUnreachable' })
    expect(pathsOf(always)).toHaveLength(3)
  })

  it('a connection that breaks in the middle of an answer is no answer', async () => {
    const server = await start((_, answer) => {
      answer.writeHead(200, { 'content-length': '100' })
      answer.write('{"tags":["1"')
      setImmediate(() => answer.destroy())
    })
    await expect(registry.tags(`${server.host}/app`, access)).rejects.toMatchObject({ reason: 'RegistryUnreachable' })
  })

  it('content that does not have its digest is refused', async () => {
    const config = digestOf('{"created":"2020-01-01T00:00:00Z"}')
    const server = await start((seen, answer) =>
      seen.path.includes('/blobs/')
        ? json(answer, 200, { created: '2030-01-01T00:00:00Z' })
        : json(answer, 200, { config: { digest: config } }),
    )
    await expect(registry.describe(`${server.host}/app`, '1', access)).rejects.toThrow(/another digest/)
  })

  it.each([
    ['a manifest that is nonsense', 'nonsense'],
    ['a manifest that is a list', '[1]'],
    ['a config that is no digest', '{"config":{"digest":"../../etc"}}'],
    ['a list of nothing', '{"manifests":[null,{"platform":7}]}'],
  ])('%s has a digest and no time', async (_, body) => {
    const server = await start((_seen, answer) => void answer.end(body))
    expect(await registry.describe(`${server.host}/app`, '1', access)).toEqual({ digest: digestOf(body) })
  })

  it('reads the first schema of Docker, whose digest only the registry knows', async () => {
    const digest = digestOf('the same without its signatures')
    const config = { created: '2015-01-01T00:00:00Z', container_config: { Labels: {} } }
    const old = { schemaVersion: 1, history: [{ v1Compatibility: JSON.stringify(config) }], signatures: [] }
    const server = await start((_, answer) => json(answer, 200, old, { 'docker-content-digest': digest }))
    const created = Date.parse('2015-01-01T00:00:00Z')
    expect(await registry.describe(`${server.host}/app`, '1', access)).toEqual({ digest, created })
  })

  it('of a list takes the next image where the first is not there', async () => {
    const config = JSON.stringify({ created: '2026-01-01T00:00:00Z' })
    const there = JSON.stringify({ config: { digest: digestOf(config) } })
    const platform = (architecture: string) => ({ platform: { os: 'linux', architecture } })
    const list = JSON.stringify({
      manifests: [
        { digest: digestOf(there), ...platform('arm64') },
        { digest: digestOf('not there'), ...platform('amd64') },
      ],
    })
    const contents = new Map([config, there, list].map((text) => [digestOf(text), text]))
    const server = await start((seen, answer) => {
      const text = seen.path.endsWith('/1') ? list : contents.get(seen.path.split('/').at(-1) ?? '')
      return text ? void answer.end(text) : json(answer, 404, { errors: [{ code: 'MANIFEST_UNKNOWN' }] })
    })
    const found = await registry.describe(`${server.host}/app`, '1', access)
    expect(found).toEqual({ digest: digestOf(list), created: Date.parse('2026-01-01T00:00:00Z') })
  })

  it('follows a redirect to other storage without the login', async () => {
    const config = JSON.stringify({ created: '2026-01-01T00:00:00Z' })
    const storage = await start((_, answer) => void answer.end(config))
    const manifest = JSON.stringify({ config: { digest: digestOf(config) } })
    const server = await start((seen, answer) => {
      if (seen.authorization !== basic) return json(answer, 401, {}, { 'www-authenticate': 'Basic realm="x"' })
      if (!seen.path.includes('/blobs/')) return void answer.end(manifest)
      return void answer.writeHead(307, { location: `http://${storage.host}/blob` }).end()
    })
    const found = await registry.describe(`${server.host}/app`, '1', { ...access, auth })
    expect(found?.created).toBe(Date.parse('2026-01-01T00:00:00Z'))
    expect(storage.seen.map(({ authorization }) => authorization)).toEqual([undefined])
  })

  it.each(['http://169.254.169.254/x', 'file:///etc/passwd', 'http://[fe80::1]/', 'http://[::ffff:169.254.169.254]/'])(
    'does not follow a redirect to %s',
    async (location) => {
      const server = await start((_, answer) => void answer.writeHead(302, { location }).end())
      await expect(registry.tags(`${server.host}/app`, access)).rejects.toThrow(/redirect/)
      expect(pathsOf(server)).toHaveLength(1)
    },
  )

  it.each(['169.254.169.254/a', '169.254.169.254:80/a', '2852039166/a/b', '0xa9fea9fe/a/b'])(
    'does not ask the machine’s own link: %s',
    async (repository) => {
      await expect(registry.tags(repository, access)).rejects.toThrow(/not an address of a registry/)
    },
  )

  it.each(['app', 'r.io/../x', 'r.io/a?b', 'r.io/a#b', 'u:p@r.io/a', ''])('refuses the name %j', async (repository) => {
    await expect(async () => await registry.tags(repository, access)).rejects.toMatchObject({ retry: 'never' })
  })
})

describe('limits of a host', () => {
  it.each([
    ['seconds', { 'retry-after': '120' }, 60_000, 120_000],
    ['a date', { 'retry-after': new Date(Date.now() + 3_000_000).toUTCString() }, 2_000_000, 3_000_000],
    ['ratelimit-reset', { 'ratelimit-reset': '30' }, 1, 30_000],
    ['nothing', {}, 240_000, 300_000],
    ['a year', { 'retry-after': '31536000' }, 3_540_000, 3_600_000],
  ])('429 with %s is kept, and the host left alone until then', async (_, headers, least, most) => {
    const server = await start((_seen, answer) => json(answer, 429, {}, headers))
    const failed = await registry.tags(`${server.host}/app`, access).catch((error: unknown) => error)
    const { reason, retry } = failed as { reason: string; retry: { afterMs: number } }
    expect(reason).toBe('RateLimited')
    expect(retry.afterMs).toBeGreaterThanOrEqual(least)
    expect(retry.afterMs).toBeLessThanOrEqual(most)
    await expect(registry.tags(`${server.host}/other`, access)).rejects.toMatchObject({ reason: 'RateLimited' })
    expect(pathsOf(server)).toHaveLength(1)
  })

  it('429 for an hour: one request in five minutes, over a restart, and work again within five of its end', async () => {
    let isRefusing = true
    const server = await start((_, answer) => (isRefusing ? json(answer, 429, {}) : tags(answer, ['1'])))
    const clock = { now: Date.UTC(2026, 0, 1) }
    const stored = new Map<string, string>()
    const memory = {
      get: async (key: string) => stored.get(key),
      set: async (key: string, value: string) => void stored.set(key, value),
    }
    const make = () => createRegistry({ log: silent, memory, now: () => clock.now })
    const asked = () => pathsOf(server).length
    let process = make()
    const minutes = async (count: number) => {
      for (let n = 0; n < count; n++, clock.now += 60_000) {
        await Promise.allSettled(['a', 'b', 'c', 'd'].map((name) => process.tags(`${server.host}/${name}`, access)))
      }
    }
    await minutes(30)
    await process.close()
    process = make()
    await minutes(30)
    // the four that were under way when it began, and then one each time
    expect(asked()).toBeLessThanOrEqual(4 + 12)
    isRefusing = false
    await minutes(6)
    expect(await process.tags(`${server.host}/app`, access)).toEqual(['1'])
    await process.close()
  })

  it('each request is told of when that is asked for', async () => {
    const lines: [Record<string, unknown>, string][] = []
    const log: Logger = { ...silent, info: (fields, text) => void lines.push([fields, text]) }
    const server = await start(guarded)
    const traced = createRegistry({ log, trace: true })
    await traced.tags(`${server.host}/app`, { ...access, auth })
    await traced.close()
    expect(lines.map(([{ method, path, status }]) => `${String(method)} ${String(path)} ${String(status)}`)).toEqual([
      'GET /v2/app/tags/list 401',
      'GET /v2/app/tags/list 200',
    ])
    expect(JSON.stringify(lines)).not.toContain(basic.slice(6))
  })

  it('429 of the token server counts for the registry that sends us there', async () => {
    const server = await start((seen, answer, host) => {
      if (seen.path.startsWith('/token')) return json(answer, 429, {}, { 'retry-after': '60' })
      return json(answer, 401, {}, { 'www-authenticate': `Bearer realm="http://${host}/token"` })
    })
    const limited = { reason: 'RateLimited' }
    await expect(registry.tags(`${server.host}/app`, access)).rejects.toMatchObject(limited)
    await expect(registry.tags(`${server.host}/other`, access)).rejects.toMatchObject(limited)
    expect(pathsOf(server).filter((path) => path.startsWith('/token'))).toHaveLength(1)
  })

  it('no more requests are under way than allowed', async () => {
    const server = await start(async (_, answer) => {
      await new Promise((resolve) => setTimeout(resolve, 5))
      tags(answer, ['1'])
    })
    const fast = createRegistry({ log: silent, rps: 100_000, burst: 10 })
    await fast.tags(`${server.host}/app`, access)
    await Promise.all(Array.from({ length: 60 }, () => fast.tags(`${server.host}/app`, access)))
    await fast.close()
    expect(server.mostAtOnce()).toBe(10)
  })

  it('an answer that does not come is given up', async () => {
    const impatient = createRegistry({ log: silent, timeoutMs: 100 })
    const server = await start(() => {})
    await expect(impatient.tags(`${server.host}/app`, access)).rejects.toThrow(/no answer within/)
    await impatient.close()
  })

  it('an aborted job ends its request', async () => {
    const controller = new AbortController()
    const server = await start(() => controller.abort(new Error('stopped')))
    await expect(registry.tags(`${server.host}/app`, access, controller.signal)).rejects.toThrow('stopped')
  })
})

describe('docker content digest', () => {
  it('is asked for by HEAD, with every type we read', async () => {
    const digest = digestOf('x')
    const server = await start((_, answer) => void answer.writeHead(200, { 'docker-content-digest': digest }).end())
    expect(await registry.digest(`${server.host}/app`, '1', access)).toBe(digest)
    const asked = server.seen.at(-1)
    expect(asked?.method).toBe('HEAD')
    expect(asked?.accept).toContain('application/vnd.oci.image.index.v1+json')
    expect(asked?.accept).toContain('application/vnd.docker.distribution.manifest.v2+json')
  })

  it('is taken from the content where the registry does not say it', async () => {
    const server = await start(
      (seen, answer) => void answer.writeHead(200).end(seen.method === 'GET' ? '{}' : undefined),
    )
    expect(await registry.digest(`${server.host}/app`, '1', access)).toBe(digestOf('{}'))
  })
})

describe('the name of Docker Hub', () => {
  it('leads to the registry that has it where it is said to be insecure', async () => {
    const internet = await startInternet(({ path }) => ({ body: path === '/v2/' ? {} : { tags: ['1'] } }))
    const there = createRegistry({ log: silent, environment: { https_proxy: internet.url } })
    try {
      expect(await there.tags('index.docker.io/team/app', access)).toEqual(['1'])
      expect(new Set(internet.seen.map(({ host }) => host))).toEqual(new Set(['index.docker.io']))
    } finally {
      await there.close()
      await internet.close()
    }
  })
})
