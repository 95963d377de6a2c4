import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { Agent, request } from 'undici'
import type { Egress, EgressRequest, EgressResponse } from '../../lib/egress.ts'

export type EgressOptions = {
  /** For tests: asks for an address instead of DNS. */
  resolve?: (host: string) => Promise<string>
}

const maxRedirects = 3

/** See lib/egress.ts. The address is looked up once, checked, and the connection goes to that very address (hazard J7). */
export function createEgress(options: EgressOptions = {}): Egress & { close(): Promise<void> } {
  const resolve = options.resolve ?? (async (host: string) => (await lookup(host)).address)
  const agent = new Agent({
    connections: 16,
    connect: { timeout: 10_000, lookup: (host, _options, callback) => void answerLookup(resolve, host, callback) },
  })

  async function follow(given: EgressRequest, url: URL, redirects: number): Promise<EgressResponse> {
    if (url.protocol !== 'http:' && url.protocol !== 'https:')
      throw new Error(`${url.protocol.slice(0, -1)} is not allowed`)
    const literal = isIP(url.hostname.replace(/^\[|\]$/g, ''))
      ? refuse(url.hostname.replace(/^\[|\]$/g, ''))
      : undefined
    if (literal) throw new Error(literal)
    const deadline = AbortSignal.timeout(given.timeoutMs)
    const signal = given.signal ? AbortSignal.any([given.signal, deadline]) : deadline
    const sameOrigin = url.origin === new URL(given.url).origin
    const headers = {
      'user-agent': 'capstan',
      ...(sameOrigin ? given.headers : {}),
      ...(sameOrigin ? credentials(new URL(given.url)) : {}),
    }
    const bare = new URL(url)
    bare.username = ''
    bare.password = ''
    const response = await request(bare, { dispatcher: agent, signal, headers })
    const location = response.headers.location
    if (
      response.statusCode >= 300 &&
      response.statusCode < 400 &&
      response.statusCode !== 304 &&
      typeof location === 'string'
    ) {
      await response.body.dump()
      if (redirects >= maxRedirects) throw new Error('too many redirects')
      return await follow(given, new URL(location, url), redirects + 1)
    }
    return {
      status: response.statusCode,
      headers: flat(response.headers),
      body: await readBody(response.body, given.maxBytes),
    }
  }

  return Object.assign(async (given: EgressRequest) => await follow(given, new URL(given.url), 0), {
    close: () => agent.close(),
  })
}

type Lookup = (error: Error | null, addresses: { address: string; family: number }[]) => void

async function answerLookup(resolve: (host: string) => Promise<string>, host: string, callback: Lookup): Promise<void> {
  let address: string
  try {
    address = await resolve(host)
  } catch (error) {
    callback(error as Error, [])
    return
  }
  const refusal = refuse(address)
  if (refusal) callback(new Error(refusal), [])
  else callback(null, [{ address, family: isIP(address) }])
}

function credentials({ username, password }: URL): Record<string, string> {
  if (!username) return {}
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}

/** Link-local addresses are those of metadata services: never, whoever asks (ruling 15). */
function refuse(address: string): string | undefined {
  const plain = address.toLowerCase().replace(/^::ffff:/, '')
  const isLinkLocal = plain.startsWith('169.254.') || /^fe[89ab]/.test(plain) || plain === 'fd00:ec2::254'
  return isLinkLocal ? `the address ${plain} is not allowed` : undefined
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
