import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { availableParallelism, homedir } from 'node:os'
import { join } from 'node:path'
import pLimit from 'p-limit'
import type { LeasedFence } from '../adapters/cluster/index.ts'
import { createEgress, createGuard } from '../adapters/egress/index.ts'
import { createGithubApp } from '../adapters/git/index.ts'
import {
  type ChartPlugins,
  createChartPlugins,
  createCharts,
  createHelm,
  createKnownRepositories,
  decodeStoredRelease,
} from '../adapters/helm/index.ts'
import type { Processor } from '../adapters/queue/index.ts'
import { createLogins, createRegistry } from '../adapters/registry/index.ts'
import { changeRelease } from '../jobs/change-release/index.ts'
import { planRelease } from '../jobs/plan-release/index.ts'
import { findResting } from '../jobs/resting-releases.ts'
import type { ResyncDeps } from '../jobs/resync.ts'
import type { SyncReleaseDeps } from '../jobs/sync-release/deps.ts'
import { syncRelease, wishOf } from '../jobs/sync-release/index.ts'
import { chartRemote } from './chart-remote.ts'
import { createPrivateFiles } from './private-files.ts'
import { version } from './package.ts'
import { processRequests } from './requests.ts'
import { ensureSecrets } from './secrets.ts'
import type { Parts } from './wire.ts'

/** More than helm runs that may wait at the same time, so that these hold up no others: helm has places of its own (W6). */
const leastSlots = 64

/** Places on the processors while helm renders and sends; waiting holds none (W6). */
const helmPlaces = 2 * availableParallelism()

export type ReleaseWork = {
  processors: Record<'sync-release' | 'plan-release' | 'change-release', { run: Processor; slots: number }>
  /** See {@link findResting}. */
  resting: NonNullable<ResyncDeps['resting']>
}

/** What works on releases, with the real helm; a plan and a change of a release read as a sync does. */
export function releaseWork(parts: Parts, fence: LeasedFence, env: NodeJS.ProcessEnv): ReleaseWork {
  const { history } = parts
  const deps = releaseDeps(parts, fence, env)
  const requests = processRequests(parts, ensureSecrets(parts.config).tokenFile)
  const asking = { ...deps, requests, enqueue: parts.queue.enqueue }
  const processors: ReleaseWork['processors'] = {
    'sync-release': {
      slots: Math.max(leastSlots, parts.config.releases.workers),
      run: (payload, { jobId, signal }) => syncRelease(payload, { ...deps, history: history(jobId) }, signal),
    },
    'plan-release': { slots: 2, run: (payload, { signal }) => planRelease(payload, asking, signal) },
    'change-release': {
      slots: 1,
      run: (payload, { jobId, signal }) => changeRelease(payload, { ...asking, history: history(jobId) }, signal),
    },
  }
  return {
    processors,
    resting: (releases, payload, signal) => findResting(releases, { ...deps, ...wishOf(payload) }, signal),
  }
}

function releaseDeps(parts: Parts, fence: LeasedFence, env: NodeJS.ProcessEnv): SyncReleaseDeps {
  const { config, cluster, git, run, redactor, metrics, log, environment, sources, memoryWatch } = parts
  const { areTenants } = config.sources
  const egress = createEgress({ allowPrivate: !areTenants, environment })
  const kubeconfig = config.kubeconfig ?? usualKubeconfig(env)
  const limit = pLimit(helmPlaces)
  const helm = createHelm({
    run,
    binary: config.releases.helmBinary,
    ...(kubeconfig ? { kubeconfig } : {}),
    directory: join(config.cacheDir, 'helm'),
    environment: helmEnvironment(env),
    redact: redactor.redact,
    ...(memoryWatch ? { containerBytes: memoryWatch.limitBytes } : {}),
    limit: (work) => limit(work),
    log: log.child({ component: 'helm' }),
  })
  return {
    cluster: cluster.fenced(() => fence.check()),
    helm,
    charts: createCharts({
      directory: join(config.cacheDir, 'charts'),
      egress,
      registry: createRegistry({
        log: log.child({ component: 'charts' }),
        environment,
        guard: createGuard({ allowPrivate: !areTenants }),
        rps: config.images.rps,
        burst: config.images.burst,
      }),
      insecureHosts: config.images.insecureHosts,
      ...(areTenants ? {} : { logins: createLogins({ run, log, env, dockerConfig: config.images.dockerConfig }) }),
      known: createKnownRepositories({ files: config.releases.repositoryFiles, log, redactor, now: Date.now }),
      ...(config.releases.pluginsDir === '' ? {} : { plugins: chartPlugins(parts, env) }),
      now: Date.now,
    }),
    git,
    chartRemote: (url: string) => chartRemote(url, { sources, deployKeyFile: config.git.deployKeyFile, areTenants }),
    areTenants,
    keep: createPrivateFiles(join(config.cacheDir, 'git-credentials')),
    githubApp: createGithubApp({ egress, now: Date.now }),
    fetchedAt: new Map<string, number>(),
    gitPollIntervalMs: config.git.pollIntervalMs,
    egress,
    decode: decodeStoredRelease,
    fence,
    memory: parts.releaseMemory,
    rests: { store: parts.store, settings: settingsOf(parts) },
    redactor,
    defaults: {
      gitRef: config.releases.defaultGitRef,
      updateDependencies: config.releases.updateChartDependencies,
      // without tenants a HelmRelease that names none has our own rights, as it had the Operator's
      serviceAccount: areTenants ? config.sources.serviceAccount : '',
    },
    legacy: config.releases.legacy,
    logDiffs: config.releases.logDiffs,
    finalizer: config.releases.finalizer,
    releaseNamespace: config.releases.namespace,
    ownNamespace: config.namespace,
    upgradeLimit: config.releases.upgradeLimit,
    adoptFailed: config.releases.adoptFailed,
    failedInstall: config.releases.failedInstall,
    log,
    now: () => new Date(),
    random: Math.random,
    ended: metrics.releaseEnded,
  }
}

function chartPlugins({ config, run }: Parts, environment: NodeJS.ProcessEnv): ChartPlugins {
  const { pluginsDir: folder, helmBinary } = config.releases
  return createChartPlugins({ run, folder, helmBinary, directory: join(config.cacheDir, 'plugins'), environment })
}

/** With another build, or told otherwise, Capstan looks at every release again. */
function settingsOf({ config: { releases, sources } }: Parts): string {
  return createHash('sha256')
    .update(JSON.stringify([version, releases, sources.areTenants, sources.serviceAccount]))
    .digest('hex')
    .slice(0, 32)
}

/** helm's home is private, so it must be told of the file that everybody else finds at home. */
function usualKubeconfig(env: NodeJS.ProcessEnv): string | undefined {
  if (env.KUBECONFIG || env.KUBERNETES_SERVICE_HOST) return undefined
  const file = join(homedir(), '.kube', 'config')
  return existsSync(file) ? file : undefined
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
