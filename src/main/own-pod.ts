import { existsSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FluxctlLabelDeps } from '../jobs/fluxctl-label.ts'
import type { Parts } from './wire.ts'

const namespaceFile = '/var/run/secrets/kubernetes.io/serviceaccount/namespace'

/** Our own pod, for fluxctl to find it; undefined where this is none, or none that serves what fluxctl asks. */
export function fluxctlLabelOf({ config, cluster, log }: Parts): FluxctlLabelDeps | undefined {
  if (!config.opensLoopback || !config.roles.includes('api') || !existsSync(namespaceFile)) return undefined
  const pod = { namespace: readFileSync(namespaceFile, 'utf8').trim(), name: hostname() }
  return { cluster, pod, log, pause: async (ms, signal) => await sleep(ms, undefined, { signal }) }
}
