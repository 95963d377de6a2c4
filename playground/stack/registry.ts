import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from './ports.ts'
import type { Program } from './supervise.ts'
import { createSupervisor, type Supervisor } from './supervisor.ts'
import { until } from './until.ts'

export type Registry = {
  host: string
  url: string
  /** Where it counts its requests, in Prometheus' text; only when asked for. */
  metricsUrl?: string
  program: Program
  stop(): Promise<void>
}

export type RegistryOptions = {
  supervisor?: Supervisor
  /** The docker-registry binary (distribution 2.8 or newer). */
  binary: string
  directory: string
  /** Default: a free one. */
  port?: number
  /** Where it reports pushes to; none when left out. */
  notify?: { url: string; headers: Readonly<Record<string, string>> }
  /** It counts its requests. */
  metrics?: boolean
}

/** Starts a plain-HTTP image registry on 127.0.0.1 that keeps its blobs under `directory` and allows deletes. */
export async function startRegistry(options: RegistryOptions): Promise<Registry> {
  const { binary, directory, notify, supervisor = createSupervisor({ directory }) } = options
  const host = `127.0.0.1:${options.port ?? (await freePort())}`
  const folder = join(directory, 'registry')
  mkdirSync(folder, { recursive: true })
  const config = join(directory, 'registry.yml')
  // JSON is YAML. 0600: the headers hold a token.
  const debug = options.metrics ? `127.0.0.1:${await freePort()}` : undefined
  writeFileSync(config, JSON.stringify(settings(host, folder, { notify, debug }), null, 2), { mode: 0o600 })
  // Traces to a collector are on by default in version 3.
  const env = { ...process.env, OTEL_TRACES_EXPORTER: 'none' }
  const program = supervisor.start({ name: 'registry', command: binary, args: ['serve', config], env })
  const url = `http://${host}`
  await until('registry', async () => (await fetch(`${url}/v2/`)).ok, { logFile: program.logFile })
  const metricsUrl = debug && `http://${debug}/metrics`
  return { host, url, ...(metricsUrl ? { metricsUrl } : {}), program, stop: () => program.stop() }
}

function settings(
  addr: string,
  rootdirectory: string,
  { notify, debug }: { notify: RegistryOptions['notify']; debug: string | undefined },
): object {
  return {
    version: 0.1,
    log: { level: 'warn' },
    storage: {
      filesystem: { rootdirectory },
      delete: { enabled: true },
      maintenance: { uploadpurging: { enabled: false } },
    },
    http: { addr, ...(debug ? { debug: { addr: debug, prometheus: { enabled: true } } } : {}) },
    ...(notify && { notifications: { endpoints: [endpoint(notify)] } }),
  }
}

function endpoint({ url, headers }: NonNullable<RegistryOptions['notify']>): object {
  return {
    name: 'capstan',
    url,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    timeout: '2s',
    threshold: 5,
    backoff: '1s',
  }
}
