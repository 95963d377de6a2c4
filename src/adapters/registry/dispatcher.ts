import type { LookupFunction } from 'node:net'
import { Agent, type Dispatcher, ProxyAgent } from 'undici'
import { proxyFor } from '../../lib/proxy.ts'

const connectTimeoutMs = 10_000

/** The connections to take for each URL. */
export type Routes = { to(url: URL): Dispatcher; close(): Promise<void>; destroy(): Promise<void> }

/** Connections by way of the proxies that the environment names, and of no others. */
export function openRoutes(options: {
  inFlight: number
  environment: Readonly<Record<string, string>>
  rejectUnauthorized: boolean
  /** PEM texts: who is trusted in place of the usual ones, and who we are. */
  certificates?: { ca?: string; cert?: string; key?: string }
  /** In place of the usual one, where no proxy stands between. */
  lookup?: LookupFunction | undefined
}): Routes {
  const { inFlight, environment, rejectUnauthorized, certificates = {}, lookup } = options
  const trust = { rejectUnauthorized, ...certificates }
  const direct = new Agent({
    connections: inFlight,
    connect: { timeout: connectTimeoutMs, ...trust, ...(lookup ? { lookup } : {}) },
  })
  const proxied = new Map<string, Dispatcher>()
  const all = () => [direct, ...proxied.values()]

  return {
    to(url) {
      const uri = proxyFor(url, environment)
      if (uri === undefined) return direct
      const known = proxied.get(uri)
      if (known) return known
      const made = new ProxyAgent({
        uri,
        connections: inFlight,
        connectTimeout: connectTimeoutMs,
        requestTls: trust,
      })
      proxied.set(uri, made)
      return made
    },
    close: async () => void (await Promise.all(all().map((one) => one.close()))),
    destroy: async () => void (await Promise.all(all().map((one) => one.destroy()))),
  }
}
