import { existsSync } from 'node:fs'
import { availableParallelism, homedir } from 'node:os'
import { join } from 'node:path'
import pLimit from 'p-limit'
import type { LeasedFence } from '../adapters/cluster/index.ts'
import { createEgress } from '../adapters/egress/index.ts'
import type { GitRemote } from '../adapters/git/index.ts'
import { createCharts, createHelm, decodeStoredRelease } from '../adapters/helm/index.ts'
import type { Processor } from '../adapters/queue/index.ts'
import { sameRepository } from '../domain/source/git-url.ts'
import { changeRelease } from '../jobs/change-release/index.ts'
import { planRelease } from '../jobs/plan-release/index.ts'
import type { SyncReleaseDeps } from '../jobs/sync-release/deps.ts'
import { syncRelease } from '../jobs/sync-release/index.ts'
import { createReleaseMemory } from '../jobs/sync-release/memory.ts'
import { processRequests } from './requests.ts'
import { ensureSecrets } from './secrets.ts'
import type { Parts } from './wire.ts'

/** A slot is no processor: most of a run is waiting, and helm has places of its own (W6). */
const leastSlots = 16

/** Places on the processors while helm renders and sends; waiting holds none (W6). */
const helmPlaces = 2 * availableParallelism()

/** What works on releases, with the real helm; a plan and a change of a release read as a sync does. */
export function releaseProcessors(
  parts: Parts,
  fence: LeasedFence,
  env: NodeJS.ProcessEnv,
): Record<'sync-release' | 'plan-release' | 'change-release', { run: Processor; slots: number }> {
  const deps = releaseDeps(parts, fence, env)
  const requests = processRequests(parts, ensureSecrets(parts.config).tokenFile)
  const asking = { ...deps, requests, enqueue: parts.queue.enqueue }
  return {
    'sync-release': {
      slots: Math.max(leastSlots, parts.config.releases.workers),
      run: (payload, { signal }) => syncRelease(payload, deps, signal),
    },
    'plan-release': { slots: 2, run: (payload, { signal }) => planRelease(payload, asking, signal) },
    'change-release': { slots: 1, run: (payload, { signal }) => changeRelease(payload, asking, signal) },
  }
}

function releaseDeps(parts: Parts, fence: LeasedFence, env: NodeJS.ProcessEnv): SyncReleaseDeps {
  const { config, cluster, git, run, redactor, metrics, log } = parts
  const egress = createEgress({ allowPrivate: !config.sources.areTenants })
  const kubeconfig = config.kubeconfig ?? usualKubeconfig(env)
  const limit = pLimit(helmPlaces)
  const helm = createHelm({
    run,
    binary: config.releases.helmBinary,
    ...(kubeconfig ? { kubeconfig } : {}),
    directory: join(config.cacheDir, 'helm'),
    environment: helmEnvironment(env),
    redact: redactor.redact,
    limit: (work) => limit(work),
    log: log.child({ component: 'helm' }),
  })
  return {
    cluster: cluster.fenced(() => fence.check()),
    helm,
    charts: createCharts({ directory: join(config.cacheDir, 'charts'), egress, now: Date.now }),
    git,
    chartRemote: (url: string) => chartRemote(url, parts),
    fetchedAt: new Map<string, number>(),
    gitPollIntervalMs: config.source?.pollIntervalMs ?? 300_000,
    egress,
    decode: decodeStoredRelease,
    fence,
    memory: createReleaseMemory(),
    redactor,
    defaults: { gitRef: config.releases.defaultGitRef, updateDependencies: config.releases.updateChartDependencies },
    legacy: config.releases.legacy,
    finalizer: true,
    log,
    now: () => new Date(),
    random: Math.random,
    ended: metrics.releaseEnded,
  }
}

/** helm's home is private, so it must be told of the file that everybody else finds at home. */
function usualKubeconfig(env: NodeJS.ProcessEnv): string | undefined {
  if (env.KUBECONFIG || env.KUBERNETES_SERVICE_HOST) return undefined
  const file = join(homedir(), '.kube', 'config')
  return existsSync(file) ? file : undefined
}

/**
 * A chart in the repository of the flags is reached as that is; any other one anonymously, unless its HelmRelease names a Secret. The
 * credentials of a Source object are those of its namespace and for nobody else.
 */
async function chartRemote(url: string, { sources }: Parts): Promise<GitRemote> {
  const own = sources.list().find((spec) => spec.origin === 'flags' && sameRepository(spec.url, url))
  return own ? { ...(await sources.remote(own)), url } : { url }
}

function helmEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  const names = [
    'PATH',
    'KUBERNETES_SERVICE_HOST',
    'KUBERNETES_SERVICE_PORT',
    'KUBECONFIG',
    'https_proxy',
    'HTTPS_PROXY',
    'no_proxy',
    'NO_PROXY',
    'SSL_CERT_FILE',
  ]
  return Object.fromEntries(names.flatMap((name) => (env[name] ? [[name, env[name]]] : [])))
}
