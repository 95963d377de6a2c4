import { createHash } from 'node:crypto'
import type { LookupFunction } from 'node:net'
import { LRUCache } from 'lru-cache'
import { Agent, type Dispatcher, ProxyAgent } from 'undici'
import type { TlsSettings } from '../../lib/egress.ts'

const connectTimeoutMs = 10_000
const connectionsPerHost = 16
/** Sets of certificates that are kept with their connections; those of the least used one are closed when their work is done. */
const mostSettings = 64

type Route = {
  tls: TlsSettings | undefined
  /** The proxy that leads there. */
  proxy: string | undefined
}

/** Connections by their proxy and by how their servers are trusted: those of one set of certificates are never used for another. */
export function createAgents({ lookup }: { lookup: LookupFunction }): {
  pick(route: Route): Dispatcher
  close(): Promise<void>
} {
  const usual = open({ tls: undefined, proxy: undefined })
  const special = new LRUCache<string, Dispatcher>({ max: mostSettings, dispose: (agent) => void agent.close() })

  function open({ tls = {}, proxy }: Route): Dispatcher {
    const { ca, cert, key, insecure } = tls
    const trust = {
      ...(ca ? { ca } : {}),
      ...(cert && key ? { cert, key } : {}),
      ...(insecure ? { rejectUnauthorized: false } : {}),
    }
    if (proxy === undefined)
      return new Agent({ connections: connectionsPerHost, connect: { timeout: connectTimeoutMs, lookup, ...trust } })
    return new ProxyAgent({
      uri: proxy,
      connections: connectionsPerHost,
      connectTimeout: connectTimeoutMs,
      requestTls: trust,
    })
  }

  return {
    pick(route) {
      const { tls, proxy } = route
      if (!tls && proxy === undefined) return usual
      const name = createHash('sha256')
        .update(JSON.stringify([proxy, tls?.ca, tls?.cert, tls?.key, tls?.insecure]))
        .digest('hex')
      const known = special.get(name)
      if (known) return known
      const agent = open(route)
      special.set(name, agent)
      return agent
    },
    async close() {
      await Promise.all([usual, ...special.values()].map((agent) => agent.close()))
    },
  }
}
