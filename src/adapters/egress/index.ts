import { request } from 'undici'
import type { Egress, EgressRequest, EgressResponse } from '../../lib/egress.ts'
import { proxyFor } from '../../lib/proxy.ts'
import { createAgents } from './agents.ts'
import { createGuard, type GuardOptions } from './guard.ts'

export { createDial } from './dial.ts'
export { createGuard, type Guard, type GuardOptions } from './guard.ts'

const maxRedirects = 3

type EgressOptions = GuardOptions & {
  /** Proxies that the operator set: `https_proxy`, `http_proxy`, `no_proxy`, also in capitals. Left out: none. */
  environment?: Readonly<Record<string, string>>
}

/**
 * See lib/egress.ts. A name is looked up once, its addresses are checked, and the connection goes to one of these very addresses, so
 * that nobody can answer differently the second time (hazard J7). A proxy of the operator's looks names up by itself: it is not asked for
 * those whose addresses may not be reached from here.
 */
export function createEgress({
  environment = {},
  ...options
}: EgressOptions = {}): Egress & { close(): Promise<void> } {
  const guard = createGuard(options)
  const agents = createAgents(guard)

  async function follow(
    given: EgressRequest,
    url: URL,
    redirects: number,
    signal: AbortSignal,
  ): Promise<EgressResponse> {
    guard.check(url)
    const proxy = proxyFor(url, environment)
    if (proxy !== undefined) await guard.checkName(url.hostname)
    const { method = 'GET', body: sent = null } = given
    const response = await request(bare(url), {
      dispatcher: agents.pick({ proxy, tls: isHome(url, given) ? given.tls : undefined }),
      signal,
      method,
      body: sent,
      headers: headersFor(url, given),
    })
    const { location } = response.headers
    if (isRedirect(response.statusCode) && typeof location === 'string') {
      await response.body.dump()
      if (method === 'POST') throw new Error('a POST is not redirected')
      if (redirects >= maxRedirects) throw new Error('too many redirects')
      return await follow(given, new URL(location, url), redirects + 1, signal)
    }
    const body = await readBody(response.body, given.maxBytes)
    return { status: response.statusCode, headers: flat(response.headers), body }
  }

  async function egress(given: EgressRequest): Promise<EgressResponse> {
    const deadline = AbortSignal.timeout(given.timeoutMs)
    const signal = given.signal ? AbortSignal.any([given.signal, deadline]) : deadline
    try {
      return await follow(given, new URL(given.url), 0, signal)
    } catch (error) {
      if (deadline.aborted && !given.signal?.aborted) throw new Error('no answer in time', { cause: error })
      throw error
    }
  }

  return Object.assign(egress, { close: () => agents.close() })
}

/** Neither given headers nor the login in the URL follow to another scheme, host or port (hazard I9). */
function headersFor(url: URL, given: EgressRequest): Record<string, string> {
  const own = { 'user-agent': 'capstan', ...credentials(url) }
  return isHome(url, given) ? { ...own, ...credentials(new URL(given.url)), ...given.headers } : own
}

function isHome(url: URL, given: EgressRequest): boolean {
  return url.origin === new URL(given.url).origin
}

function credentials({ username, password }: URL): Record<string, string> {
  if (!username) return {}
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}

function bare(url: URL): URL {
  const clean = new URL(url)
  clean.username = ''
  clean.password = ''
  return clean
}

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400 && status !== 304
}

async function readBody(body: AsyncIterable<Buffer>, maxBytes: number): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > maxBytes) throw new Error(`the answer is larger than ${Math.round(maxBytes / 1024 / 1024)} MB`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function flat(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]])),
  )
}
