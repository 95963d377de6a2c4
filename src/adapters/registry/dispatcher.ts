import type { LookupFunction } from 'node:net'
import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici'

const connectTimeoutMs = 10_000

/** Connections by way of the proxies that the environment names, and of no others. */
export function openDispatcher(options: {
  inFlight: number
  environment: Readonly<Record<string, string>>
  rejectUnauthorized: boolean
  /** PEM texts: who is trusted in place of the usual ones, and who we are. */
  certificates?: { ca?: string; cert?: string; key?: string }
  /** In place of the usual one, where no proxy stands between. */
  lookup?: LookupFunction | undefined
}): Dispatcher {
  const { inFlight, environment, rejectUnauthorized, certificates = {}, lookup } = options
  const trust = { rejectUnauthorized, ...certificates }
  const settings = {
    connections: inFlight,
    connect: { timeout: connectTimeoutMs, ...trust, ...(lookup ? { lookup } : {}) },
  }
  const read = (name: string) => environment[name] ?? environment[name.toUpperCase()]
  const [httpProxy, httpsProxy, noProxy] = [read('http_proxy'), read('https_proxy'), read('no_proxy')]
  if (!httpProxy && !httpsProxy) return new Agent(settings)
  // an undefined setting would be read from the process' own environment
  return new EnvHttpProxyAgent({
    ...settings,
    httpProxy: httpProxy ?? '',
    httpsProxy: httpsProxy ?? '',
    noProxy: noProxy ?? '',
    requestTls: trust,
  })
}
