import { createHash } from 'node:crypto'
import { KubeConfig } from '@kubernetes/client-node'
import { type Dispatcher, Pool, ProxyAgent } from 'undici'
import { AppError } from '../../domain/error.ts'

/** A way to the server with the headers that prove who we are. */
export type Line = { dispatcher: Dispatcher; headers: Record<string, string> }

/** Credentials and sockets. Requests and watches have separate pools, so that watches never use up the requests' sockets. */
export type Connection = {
  /** `https://host:port`. */
  readonly server: string
  /** Path in front of every request; empty unless the API lies behind a gateway. */
  readonly basePath: string
  line(use: 'request' | 'watch'): Promise<Line>
  /** Reads the credentials again at the next request (after a 401). */
  forgetCredentials(): void
  /**
   * Something sent over this line was never answered, so its other sockets may be dead, too: new requests and watches get new
   * ones, what is under way goes on.
   */
  distrust(line: Line): void
  close(): Promise<void>
}

type Tls = {
  ca?: Buffer | string
  cert?: Buffer | string
  key?: Buffer | string
  pfx?: Buffer | string
  passphrase?: string
  servername?: string
  rejectUnauthorized: boolean
}
type Credentials = { headers: Record<string, string>; tls: Tls; print: string }
type Pools = { request: Dispatcher; watch: Dispatcher; print: string }

/** Sockets for requests: the 32 of W10 and a few that Leases always find free. */
const requestSockets = 36
/** Files and tokens are read again after this time: rotated service account tokens are seen, 250 requests a second stay cheap. */
const credentialsForMs = 1000

/**
 * Reads the kubeconfig (`kubeconfig` file, else KUBECONFIG, ~/.kube/config, else the pod's service account) and connects
 * lazily. Throws `ClusterUnavailable` with retry `never` when there is no usable configuration.
 */
export function connect(options: { kubeconfig?: string; context?: string }): Connection {
  const config = loadKubeconfig(options)
  const cluster = config.getCurrentCluster()
  if (!cluster) throw badConfig(`The kubeconfig has no cluster for context "${config.currentContext}".`)
  const url = new URL(cluster.server)
  let known: { credentials: Credentials; readAt: number } | undefined
  let pools: Pools | undefined
  const retired = new Set<Dispatcher>()

  async function credentials(): Promise<Credentials> {
    if (known && performance.now() - known.readAt < credentialsForMs) return known.credentials
    known = { credentials: await readCredentials(config), readAt: performance.now() }
    return known.credentials
  }

  function poolsFor({ tls, print }: Credentials): Pools {
    if (pools?.print === print) return pools
    retire()
    pools = { request: open(requestSockets, tls), watch: open(null, tls), print }
    return pools
  }

  /** Takes the pools out of use; each ends with its last request. */
  function retire(): void {
    for (const pool of pools ? [pools.request, pools.watch] : []) {
      retired.add(pool)
      void pool.close().then(
        () => retired.delete(pool),
        () => retired.delete(pool),
      )
    }
    pools = undefined
  }

  function open(connections: number | null, tls: Tls): Dispatcher {
    // HTTP/1.1 on purpose: undici would take HTTP/2, where one lost connection takes every request and watch with it.
    const common = {
      connections,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: 60_000,
      headersTimeout: 0,
      bodyTimeout: 0,
    }
    if (cluster?.proxyUrl) return new ProxyAgent({ ...common, uri: cluster.proxyUrl, requestTls: tls })
    // Node probes ten times, a second apart, after this delay: a peer that vanished is noticed in 25 s (hazard C6).
    return new Pool(url.origin, { ...common, connect: { ...tls, timeout: 10_000, keepAliveInitialDelay: 15_000 } })
  }

  return {
    server: url.origin,
    basePath: url.pathname.replace(/\/+$/, ''),
    async line(use) {
      const current = await credentials()
      return { dispatcher: poolsFor(current)[use], headers: current.headers }
    },
    forgetCredentials() {
      known = undefined
    },
    distrust({ dispatcher }) {
      if (pools?.request === dispatcher || pools?.watch === dispatcher) retire()
    },
    async close() {
      retire()
      await Promise.all([...retired].map((pool) => pool.destroy()))
    },
  }
}

/** The kubeconfig as {@link connect} reads it; throws as it does. */
export function loadKubeconfig({ kubeconfig, context }: { kubeconfig?: string; context?: string }): KubeConfig {
  const config = new KubeConfig()
  try {
    if (kubeconfig) config.loadFromFile(kubeconfig)
    else config.loadFromDefault()
  } catch (error) {
    throw badConfig(`The kubeconfig cannot be read: ${(error as Error).message}.`, error)
  }
  // client-node's last resort is a plain-text server that nobody meant.
  if (!kubeconfig && config.getCurrentCluster()?.server === 'http://localhost:8080') {
    throw badConfig('No kubeconfig was found: give --kubeconfig, set KUBECONFIG or run inside a cluster.')
  }
  if (context) {
    if (!config.getContextObject(context)) throw badConfig(`The kubeconfig has no context "${context}".`)
    config.setCurrentContext(context)
  }
  return config
}

async function readCredentials(config: KubeConfig): Promise<Credentials> {
  const options: Parameters<KubeConfig['applyToHTTPSOptions']>[0] = { headers: {} }
  try {
    await config.applyToHTTPSOptions(options)
  } catch (error) {
    throw new AppError('ClusterUnavailable', `The credentials of the kubeconfig cannot be had: ${firstLine(error)}.`, {
      cause: error,
    })
  }
  const given = options as Record<string, unknown>
  const headers = { ...(given.headers as Record<string, string>) }
  if (typeof given.auth === 'string') headers.Authorization = `Basic ${Buffer.from(given.auth).toString('base64')}`
  // Said explicitly, so that NODE_TLS_REJECT_UNAUTHORIZED cannot turn verification off (hazard L12).
  const tls: Tls = { rejectUnauthorized: given.rejectUnauthorized !== false }
  for (const name of ['ca', 'cert', 'key', 'pfx', 'passphrase', 'servername'] as const) {
    if (given[name]) tls[name] = given[name] as string
  }
  return { headers, tls, print: printOf(tls) }
}

/** Tells two sets of TLS material apart without keeping a second copy of the key. */
function printOf(tls: Tls): string {
  const hash = createHash('sha256')
  for (const [name, value] of Object.entries(tls)) hash.update(`${name}\0`).update(String(value))
  return hash.digest('hex')
}

function badConfig(message: string, cause?: unknown): AppError {
  return new AppError('ClusterUnavailable', message, { retry: 'never', cause })
}

function firstLine(error: unknown): string {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
  return line.slice(0, 200)
}
