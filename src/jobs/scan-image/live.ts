import type { Cluster } from '../../adapters/cluster/index.ts'
import { toAppError } from '../../domain/error.ts'
import { readWorkload, type Workload } from '../../domain/image/workload.ts'
import type { KubeObject } from '../../domain/manifest/object.ts'
import type { Logger } from '../../lib/logger.ts'
import type { Sources } from '../sources.ts'

export type LiveDeps = {
  cluster: Pick<Cluster, 'list' | 'resource'>
  sources: Pick<Sources, 'list'>
  memory: LiveMemory
  now: () => Date
  log: Logger
}

/** The last list, shared by the scans that follow it. */
export type LiveMemory = { live?: { at: number; workloads: Promise<Workload[]> } }

/** The kinds whose images are scanned (flux-v1 §14). */
const kinds = [
  { apiVersion: 'apps/v1', kind: 'Deployment' },
  { apiVersion: 'apps/v1', kind: 'DaemonSet' },
  { apiVersion: 'apps/v1', kind: 'StatefulSet' },
  { apiVersion: 'batch/v1', kind: 'CronJob' },
  { apiVersion: 'helm.fluxcd.io/v1', kind: 'HelmRelease' },
]
/** The cluster is asked no more often than once in this time, as by the ancestor. */
const holdsMs = 60_000

/**
 * The workloads that the cluster runs in the namespaces that sources may touch, for what images they use and with which secrets. Their
 * policies are not theirs to say: git says them, so nothing here is automated.
 */
export async function liveWorkloads(deps: LiveDeps, signal: AbortSignal): Promise<Workload[]> {
  const { memory, now } = deps
  const at = now().getTime()
  const known = memory.live
  if (known && at - known.at < holdsMs && at >= known.at) return await known.workloads
  const workloads = readAll(deps, signal)
  memory.live = { at, workloads }
  try {
    return await workloads
  } catch (error) {
    delete memory.live
    throw error
  }
}

async function readAll(deps: LiveDeps, signal: AbortSignal): Promise<Workload[]> {
  const found: Workload[] = []
  const specs = deps.sources.list()
  const isAnywhere = specs.some(({ allowedNamespaces }) => allowedNamespaces.length === 0)
  const namespaces = isAnywhere ? [''] : [...new Set(specs.flatMap(({ allowedNamespaces }) => allowedNamespaces))]
  for (const kind of kinds) {
    if (!(await deps.cluster.resource(kind.apiVersion, kind.kind, signal))) continue
    for (const namespace of namespaces) {
      for (const object of await listOrNone({ ...kind, ...(namespace ? { namespace } : {}) }, deps, signal)) {
        const workload = readWorkload(object, { file: '', index: 0, defaultNamespace: namespace })
        if (workload) found.push({ ...workload, isAutomated: false })
      }
    }
  }
  return found
}

/** What may not be seen is passed over: those rights are given by the operator, perhaps to some kinds alone. */
async function listOrNone(
  query: { apiVersion: string; kind: string; namespace?: string },
  { cluster, log }: LiveDeps,
  signal: AbortSignal,
): Promise<KubeObject[]> {
  try {
    return await cluster.list(query, signal)
  } catch (error) {
    const { reason } = toAppError(error)
    if (reason !== 'Forbidden') throw error
    log.info({ ...query, reason }, 'workloads may not be listed, so their images are not scanned')
    return []
  }
}
