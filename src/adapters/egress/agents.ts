import { createHash } from 'node:crypto'
import type { LookupFunction } from 'node:net'
import { LRUCache } from 'lru-cache'
import { Agent } from 'undici'
import type { TlsSettings } from '../../lib/egress.ts'

const connectTimeoutMs = 10_000
const connectionsPerHost = 16
/** Sets of certificates that are kept with their connections; those of the least used one are closed when their work is done. */
const mostSettings = 64

/** Connections by how their servers are trusted: those of one set of certificates are never used for another. */
export function createAgents({ lookup }: { lookup: LookupFunction }): {
  pick(tls: TlsSettings | undefined): Agent
  close(): Promise<void>
} {
  const usual = open({})
  const special = new LRUCache<string, Agent>({ max: mostSettings, dispose: (agent) => void agent.close() })

  function open({ ca, cert, key, insecure }: TlsSettings): Agent {
    return new Agent({
      connections: connectionsPerHost,
      connect: {
        timeout: connectTimeoutMs,
        lookup,
        ...(ca ? { ca } : {}),
        ...(cert && key ? { cert, key } : {}),
        ...(insecure ? { rejectUnauthorized: false } : {}),
      },
    })
  }

  return {
    pick(tls) {
      if (!tls) return usual
      const { ca, cert, key, insecure } = tls
      const name = createHash('sha256')
        .update(JSON.stringify([ca, cert, key, insecure]))
        .digest('hex')
      const known = special.get(name)
      if (known) return known
      const agent = open(tls)
      special.set(name, agent)
      return agent
    },
    async close() {
      await Promise.all([usual, ...special.values()].map((agent) => agent.close()))
    },
  }
}
