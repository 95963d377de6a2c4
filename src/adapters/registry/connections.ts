import { createHash } from 'node:crypto'
import type { LookupFunction } from 'node:net'
import { LRUCache } from 'lru-cache'
import { type Dispatcher, request } from 'undici'
import type { TlsSettings } from '../../lib/egress.ts'
import { proxyFor } from '../../lib/proxy.ts'
import { openRoutes, type Routes } from './dispatcher.ts'
import { followable } from './redirect.ts'

export type Sent = {
  url: URL
  method: 'GET' | 'HEAD' | 'POST'
  headers: Record<string, string>
  /** With POST only. */
  body?: string
  /** A longer body is refused. */
  maxBytes: number
  insecure: boolean
  /** For the origin of the URL alone. */
  tls?: TlsSettings | undefined
  signal: AbortSignal | undefined
}

export type Answer = {
  status: number
  headers: Readonly<Record<string, string | string[] | undefined>>
  body: Uint8Array
  /** Where the answer came from, after redirects. */
  url: URL
}

/** Something that is wrong with an answer, in words for people. */
export class BadAnswer extends Error {}

/** Which addresses may be reached; adapters/egress makes one. */
export type RegistryGuard = { lookup: LookupFunction; check(url: URL): void; checkName(host: string): Promise<void> }

/** One request with its redirects. Rejects with {@link BadAnswer}, with the signal's reason, or with what the network said. */
export type Connections = {
  send(sent: Sent): Promise<Answer>
  close(): Promise<void>
}

const maxRedirects = 5
const userAgent = 'capstan'
/** Sets of certificates that are kept with their connections. */
const mostSettings = 64

export function createConnections(options: {
  inFlight: number
  timeoutMs: number
  environment: Readonly<Record<string, string>>
  guard?: RegistryGuard | undefined
}): Connections {
  const { inFlight, timeoutMs, environment, guard } = options
  const secure = openRoutes({ inFlight, environment, lookup: guard?.lookup, rejectUnauthorized: true })
  const insecure = openRoutes({ inFlight, environment, lookup: guard?.lookup, rejectUnauthorized: false })
  const special = new LRUCache<string, Routes>({ max: mostSettings, dispose: (one) => void one.close() })

  function pick({ insecure: isInsecure, tls }: Sent): Routes {
    if (!tls) return isInsecure ? insecure : secure
    const { ca, cert, key } = tls
    const rejectUnauthorized = !isInsecure && tls.insecure !== true
    const name = createHash('sha256')
      .update(JSON.stringify([ca, cert, key, rejectUnauthorized]))
      .digest('hex')
    const known = special.get(name)
    if (known) return known
    const certificates = { ...(ca ? { ca } : {}), ...(cert && key ? { cert, key } : {}) }
    const made = openRoutes({ inFlight, environment, lookup: guard?.lookup, rejectUnauthorized, certificates })
    special.set(name, made)
    return made
  }

  async function sendOnce(sent: Sent): Promise<Answer> {
    await mustBeAllowed(sent.url, environment, guard)
    const deadline = AbortSignal.timeout(timeoutMs)
    const signal = sent.signal ? AbortSignal.any([sent.signal, deadline]) : deadline
    try {
      const response = await request(sent.url, {
        dispatcher: pick(sent).to(sent.url),
        method: sent.method,
        headers: { 'user-agent': userAgent, ...sent.headers },
        body: sent.body ?? null,
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
        signal,
      })
      const body = await readBody(response, sent.maxBytes)
      return { status: response.statusCode, headers: response.headers, body, url: sent.url }
    } catch (error) {
      if (deadline.aborted && !sent.signal?.aborted) {
        throw new BadAnswer(`no answer within ${Math.round(timeoutMs / 1000)} s`, { cause: error })
      }
      throw error
    }
  }

  return {
    async send(sent) {
      let next = sent
      for (let count = 0; count <= maxRedirects; count++) {
        const answer = await sendOnce(next)
        const location = answer.headers.location
        if (![301, 302, 303, 307, 308].includes(answer.status) || typeof location !== 'string') return answer
        if (next.method === 'POST') throw new BadAnswer('a redirect of what may hold a login')
        const url = followable(location, next.url, sent.insecure)
        if (!url) throw new BadAnswer('a redirect to where no registry may send us')
        const { authorization: _, ...others } = next.headers
        next = url.origin === next.url.origin ? { ...next, url } : { ...next, url, headers: others, tls: undefined }
      }
      throw new BadAnswer(`more than ${maxRedirects} redirects`)
    },
    async close() {
      await Promise.all([secure, insecure, ...special.values()].map((one) => one.destroy()))
    },
  }
}

async function mustBeAllowed(
  url: URL,
  environment: Readonly<Record<string, string>>,
  guard: RegistryGuard | undefined,
): Promise<void> {
  try {
    guard?.check(url)
    if (proxyFor(url, environment) !== undefined) await guard?.checkName(url.hostname)
  } catch (error) {
    throw new BadAnswer('an address that may not be asked', { cause: error })
  }
}

async function readBody(response: Dispatcher.ResponseData, maxBytes: number): Promise<Uint8Array> {
  const tooLong = () => new BadAnswer(`an answer of more than ${Math.round(maxBytes / 1024)} KB`)
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    size += chunk.length
    // leaving the loop ends the connection
    if (size > maxBytes) throw tooLong()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
