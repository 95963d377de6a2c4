import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { createFrontPage } from '../../src/main/front-page.ts'
import { openBrowser } from './browser.ts'
import { createCliBench } from './cli-bench.ts'
import { authorized, commit, createWorkbench, goodStatus, token } from './workbench.ts'

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
})

const attack = '<script>document.title="owned"</script>'

async function start(options: Parameters<typeof createWorkbench>[0] = {}) {
  const frontPage = createFrontPage()
  const board = async (scope: { get: (path: string, handler: () => Promise<string>) => unknown }) =>
    void scope.get('/', async () => 'the board')
  const bench = createWorkbench({ ...options, app: { frontPage, board, ...options.app } })
  const url = await bench.app.listen({ host: '127.0.0.1', port: 0 })
  cleanUps.push(() => bench.app.close())
  bench.putStatus(goodStatus)
  await bench.putFetch(commit)
  return { ...bench, url, host: new URL(url).host }
}

/** Goes through the door as a browser does; gives what it sends from then on. */
async function enter(url: string): Promise<{ cookie: string; set: string; path: string }> {
  const answer = await fetch(`${url}/api/v1/browser-links`, { method: 'POST', headers: authorized })
  const { path } = (await answer.json()) as { path: string }
  const entered = await fetch(`${url}${path}`)
  const set = entered.headers.get('set-cookie') ?? ''
  return { cookie: set.split(';')[0] ?? '', set, path }
}

describe('the page at /', () => {
  it('is shown to a browser that came in by a link, with what it needs, under a strict policy', async () => {
    const { url } = await start()
    const { cookie } = await enter(url)
    const page = await fetch(url, { headers: { cookie } })
    const text = await page.text()
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'")
    expect(text).toContain('All is as git wants it')
    expect(text).toContain('capstan-system/default')
    const files = [...text.matchAll(/(?:src|href)="(\/[^"]+\.(?:css|mjs))"/g)].map(([, file]) => file)
    for (const file of [...files, '/stream.mjs', '/queues/'])
      expect([file, (await fetch(`${url}${file}`, { headers: { cookie } })).status]).toEqual([file, 200])
    expect(files).toEqual(['/page.css', '/page.mjs'])
  })

  it('is shown to who brings the token, and tells anybody else what to do', async () => {
    const { url } = await start()
    expect((await fetch(url, { headers: authorized })).status).toBe(200)
    const closed = await fetch(url)
    expect([closed.status, closed.headers.get('content-type')]).toEqual([401, 'text/html; charset=utf-8'])
    expect(await closed.text()).toContain('capstan queue open')
    expect((await fetch(`${url}/api/v1/overview`)).status).toBe(401)
  })

  it('is not in the OpenAPI document', async () => {
    const { app } = await start()
    expect(
      Object.keys(app.swagger().paths ?? {}).filter((path) => !/^\/(?:api|hooks|healthz|readyz|metrics)/.test(path)),
    ).toEqual([])
  })
})

describe('a link for a browser', () => {
  it('works once, is HttpOnly and SameSite=Strict, and asking whether it works does not use it up', async () => {
    const { url } = await start()
    const { path } = (await (
      await fetch(`${url}/api/v1/browser-links`, { method: 'POST', headers: authorized })
    ).json()) as { path: string }
    expect((await fetch(`${url}${path}`, { method: 'HEAD' })).headers.get('set-cookie')).toBeNull()
    const first = await fetch(`${url}${path}`)
    expect(first.status).toBe(200)
    expect(first.headers.get('set-cookie')).toMatch(/; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/)
    const second = await fetch(`${url}${path}`)
    expect([second.status, second.headers.get('set-cookie')]).toEqual([410, null])
    expect((await fetch(`${url}/enter/${'A'.repeat(43)}`)).status).toBe(410)
  })

  it('is refused once it is old, and so is the session in its time', async () => {
    let nowMs = Date.now()
    const { url } = await start({ app: { now: () => new Date(nowMs) } })
    const made = await fetch(`${url}/api/v1/browser-links`, { method: 'POST', headers: authorized })
    const { path, expiresAt } = (await made.json()) as { path: string; expiresAt: string }
    const { cookie } = await enter(url)
    expect((await fetch(url, { headers: { cookie } })).status).toBe(200)
    nowMs = Date.parse(expiresAt)
    expect((await fetch(`${url}${path}`)).status).toBe(410)
    nowMs += 12 * 3_600_000
    expect((await fetch(url, { headers: { cookie } })).status).toBe(401)
  })

  it('works once over all replicas, and the session holds on each', async () => {
    const one = await start()
    const other = await start({ app: { links: one.store } })
    const both = await start({ app: { links: one.store } })
    const { path } = (await (
      await fetch(`${other.url}/api/v1/browser-links`, { method: 'POST', headers: authorized })
    ).json()) as { path: string }
    const entered = await both.app.inject({ url: path, headers: { host: 'capstan.example' } })
    expect(entered.statusCode).toBe(200)
    const cookie = String(entered.headers['set-cookie']).split(';')[0] ?? ''
    for (const { app } of [one, other, both])
      expect((await app.inject({ url: '/', headers: { host: 'capstan.example', cookie } })).statusCode).toBe(200)
    expect((await fetch(`${other.url}${path}`)).status).toBe(410)
  })

  it('lets look only as long as who made it may', async () => {
    let role = true
    const alice = { username: 'alice', groups: [] }
    const access = {
      home: 'capstan-system',
      whose: async (given: string) => (given === 'of-alice' ? alice : undefined),
      may: async (user: { username: string }) => role && user.username === 'alice',
    }
    const { app } = await start({ app: { access } })
    const headers = { host: 'localhost', authorization: 'Bearer of-alice' }
    const made = await app.inject({ method: 'POST', url: '/api/v1/browser-links', headers })
    const entered = await app.inject({ url: made.json<{ path: string }>().path, headers: { host: 'localhost' } })
    const cookie = String(entered.headers['set-cookie']).split(';')[0] ?? ''
    const look = async () => (await app.inject({ url: '/', headers: { host: 'localhost', cookie } })).statusCode
    expect(await look()).toBe(200)
    role = false
    expect(await look()).toBe(403)
    expect((await app.inject({ method: 'POST', url: '/api/v1/browser-links', headers })).statusCode).toBe(403)
  })

  it('works while Redis is away, on the replica that made it', async () => {
    const { store } = createWorkbench()
    const { url } = await start({ app: { links: store } })
    store.goAway()
    const { cookie } = await enter(url)
    expect((await fetch(url, { headers: { cookie } })).status).toBe(200)
  })

  it('lets nobody in who calls the server by another name (DNS rebinding), nor with a changed cookie', async () => {
    const { app, url, host } = await start()
    const { cookie } = await enter(url)
    const look = async (headers: Record<string, string>) => (await app.inject({ url: '/', headers })).statusCode
    expect(await look({ host, cookie })).toBe(200)
    expect(await look({ host: 'evil.example', cookie })).toBe(401)
    expect(await look({ host: host.replace(/\d+$/, '1'), cookie })).toBe(401)
    expect(await look({ host, cookie: cookie.replace(/=.../, '=xyz') })).toBe(401)
    expect(await look({ host, cookie: `${cookie.slice(0, -2)}xx` })).toBe(401)
  })

  it('ends with the token of the server', async () => {
    let secret = 'one'
    const { app } = await start({ app: { token: () => secret } })
    const made = await app.inject({
      method: 'POST',
      url: '/api/v1/browser-links',
      headers: { authorization: 'Bearer one' },
    })
    const entered = await app.inject({ url: made.json<{ path: string }>().path, headers: { host: 'localhost' } })
    const cookie = String(entered.headers['set-cookie']).split(';')[0] ?? ''
    expect((await app.inject({ url: '/', headers: { host: 'localhost', cookie } })).statusCode).toBe(200)
    secret = 'two'
    expect((await app.inject({ url: '/', headers: { host: 'localhost', cookie } })).statusCode).toBe(401)
  })

  it('opens nothing that changes anything, and nothing but what browsers are shown', async () => {
    const { app, url, host, queue } = await start()
    const { cookie } = await enter(url)
    const all = Object.entries(app.swagger().paths ?? {}).flatMap(([path, operations]) =>
      Object.keys(operations ?? {}).map((method) => ({ method: method.toUpperCase(), path })),
    )
    const isOpen = ({ path }: { path: string }) => /^\/(?:hooks|healthz|readyz|metrics)/.test(path)
    const shown: string[] = []
    for (const { method, path } of all.filter((one) => !isOpen(one) && !one.path.endsWith('/stream'))) {
      const target = path.replaceAll(/\{[^}]+\}/g, 'x')
      const answer = await app.inject({ method: method as 'GET', url: target, headers: { host, cookie }, payload: {} })
      if (answer.statusCode !== 401) shown.push(`${method} ${path} ${answer.statusCode}`)
    }
    expect(shown).toEqual(['GET /api/v1/overview 200'])
    expect(all.length).toBeGreaterThan(40)
    expect(queue.requests).toEqual([])
  })
})

describe('the stream of the page', () => {
  it('tells at once what is there, then what has changed', async () => {
    const { url, putStatus } = await start()
    const { cookie } = await enter(url)
    const stop = new AbortController()
    const answer = await fetch(`${url}/api/v1/overview/stream`, { headers: { cookie }, signal: stop.signal })
    expect(answer.headers.get('content-type')).toBe('text/event-stream')
    const seen: { ready: boolean; stuck: { explanation: { cause: { reason: string } } }[] }[] = []
    let text = ''
    for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk
      for (; text.includes('\n\n'); text = text.slice(text.indexOf('\n\n') + 2)) {
        const data = /^data: (.*)$/m.exec(text.slice(0, text.indexOf('\n\n')))?.[1]
        if (data) seen.push(JSON.parse(data) as (typeof seen)[0])
      }
      if (seen.length === 1) putStatus({ ...goodStatus, ready: false, reason: 'ApplyRefused', message: 'no' })
      if (seen.length >= 2) break
    }
    stop.abort()
    expect(seen.map(({ ready }) => ready)).toEqual([true, false])
    expect(seen[1]?.stuck[0]?.explanation.cause.reason).toBe('ApplyRefused')
  })
})

describe('capstan queue open', () => {
  it('prints a link that lets a browser in', async () => {
    const { url } = await start()
    const { code, stdout, stderr } = await createCliBench({ url })('queue', 'open')
    expect([code, stderr]).toEqual([0, 'It lets one browser in, once, and ends in 5m.\n'])
    const entered = await fetch(stdout.trim())
    expect([new URL(stdout).origin, entered.status]).toEqual([url, 200])
    expect(entered.headers.get('set-cookie')).toContain('SameSite=Strict')
  })

  it('prints nothing else with --print', async () => {
    const { url } = await start()
    const { stdout, stderr } = await createCliBench({ url })('queue', 'open', '--print')
    expect([stderr, stdout.startsWith(`${url}/enter/`), stdout.split('\n').length]).toEqual(['', true, 2])
  })

  it('keeps a forwarded port open until Ctrl-C', async () => {
    const { url } = await start()
    const stop = new AbortController()
    const onErr = (text: string): void => {
      if (text.includes('until Ctrl-C')) stop.abort(new Error('interrupted'))
    }
    const forward = async () => url
    const bench = createCliBench({ env: { CAPSTAN_TOKEN: token }, forward, signal: stop.signal, onErr })
    const { code, stdout } = await bench('queue', 'open')
    expect([code, stdout.startsWith(`${url}/enter/`)]).toEqual([130, true])
  })

  it('says that the server is gone from behind a forwarded port', async () => {
    const { url, app } = await start()
    const forward = async () => url
    let pauses = 0
    const pause = async (): Promise<void> => {
      if (pauses++ === 0) await app.close()
    }
    const { code, stderr } = await createCliBench({ env: { CAPSTAN_TOKEN: token }, forward, pause })('queue', 'open')
    expect([code, pauses, stderr]).toEqual([6, 3, expect.stringContaining('gone from where the port leads')])
  })
})

const chromium = ['/usr/bin/chromium', '/usr/bin/google-chrome', '/usr/bin/chromium-browser'].find((path) =>
  existsSync(path),
)

describe.runIf(chromium)('a real browser', () => {
  it('enters by the link, shows foreign text as text, and runs nothing of it', async () => {
    const { url, putStatus, app } = await start()
    putStatus({ ...goodStatus, ready: false, reason: 'ApplyRefused', message: attack })
    const { path } = (await app.inject({ method: 'POST', url: '/api/v1/browser-links', headers: authorized })).json<{
      path: string
    }>()
    const args = [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--virtual-time-budget=4000',
      '--dump-dom',
      `${url}${path}`,
    ]
    const { stdout: dom } = await promisify(execFile)(chromium ?? '', args, { timeout: 60_000, maxBuffer: 10_000_000 })
    expect(dom).toContain('<title>Capstan</title>')
    expect(dom).toContain('&lt;script&gt;document.title="owned"&lt;/script&gt;')
    expect(dom).toMatch(/<li class="bad here" title="applied to the cluster: stopped">/)
  })

  it('shows what changes while somebody looks on, and keeps open what was opened', async () => {
    const { url, app, putStatus } = await start()
    putStatus({ ...goodStatus, ready: false, reason: 'ApplyRefused', message: 'it was refused' })
    const { path } = (await app.inject({ method: 'POST', url: '/api/v1/browser-links', headers: authorized })).json<{
      path: string
    }>()
    const browser = await openBrowser(chromium ?? '', `${url}${path}`)
    cleanUps.unshift(() => browser.stop())
    const textOf = async (selector: string) =>
      await browser.evaluate(`document.querySelector('${selector}')?.textContent`)
    await until('it is live', async () => (await textOf('#live')) === 'live')
    expect(await textOf('#verdict')).toBe('1 thing not as git wants it')
    await browser.evaluate(`document.querySelector('#causes details').open = true`)
    putStatus({ ...goodStatus, ready: false, reason: 'ApplyRefused', message: 'it was refused again' })
    await until('the change is shown', async () => String(await textOf('#causes .cause')).includes('again'))
    expect(await browser.evaluate(`document.querySelector('#causes details').open`)).toBe(true)
    putStatus(goodStatus)
    await until('all is well', async () => (await textOf('#verdict')) === 'All is as git wants it')
    expect(await browser.evaluate(`performance.getEntriesByType('navigation').length`)).toBe(1)
  })
})
