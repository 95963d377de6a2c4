import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { type Cluster, createCluster } from '../adapters/cluster/index.ts'
import { createGit, type Git } from '../adapters/git/index.ts'
import { createMetrics, type Metrics } from '../adapters/metrics/index.ts'
import { createQueue, type Queue } from '../adapters/queue/index.ts'
import { createStore, type Store } from '../adapters/store/index.ts'
import type { Config } from '../config/config.ts'
import type { Sources } from '../jobs/fetch-source.ts'
import { createOwnedObjects, type OwnedObjects } from '../jobs/owned-objects.ts'
import type { Packer } from '../jobs/sync-source/ledger.ts'
import { createSyncMemory, type SyncMemory } from '../jobs/sync-source/memory.ts'
import type { Logger } from '../lib/logger.ts'
import type { Redactor } from '../lib/redactor.ts'
import type { Run } from '../lib/run.ts'
import { createSources } from './sources.ts'

/** Everything that talks to the outside, made once per process. */
export type Parts = {
  config: Config
  log: Logger
  redactor: Redactor
  run: Run
  /** Names this process to people and to its Lease; never used again. */
  identity: string
  cluster: Cluster
  git: Git
  queue: Queue
  store: Store
  sources: Sources
  owned: OwnedObjects
  memory: SyncMemory
  packer: Packer
  metrics: Metrics
  /** Proxies and certificate authorities that the operator set (ruling 15). */
  environment: Readonly<Record<string, string>>
}

export type Ground = Pick<Parts, 'config' | 'log' | 'redactor' | 'run' | 'identity'> & { redisUrl: string }

/** Builds the adapters; none of them needs its other side to be there yet. */
export function wire(ground: Ground, env: NodeJS.ProcessEnv): Parts {
  const { config, log, redactor, identity, redisUrl } = ground
  const { redact } = redactor
  const { prefix } = config.redis
  const environment = networkOf(env)
  const cluster = createCluster({
    ...(config.kubeconfig ? { kubeconfig: config.kubeconfig } : {}),
    log: log.child({ component: 'cluster' }),
  })
  const queue = createQueue({ redisUrl, prefix, worker: identity, log: log.child({ component: 'queue' }), redact })
  const metrics = createMetrics()
  metrics.watchQueue(async () => ({ counts: await queue.counts(), oldestWaitMs: await queue.oldestWaitMs() }))
  return {
    ...ground,
    environment,
    cluster,
    metrics,
    git: createGit({
      directory: join(config.cacheDir, 'git'),
      timeoutMs: config.git.timeoutMs,
      environment,
      log: log.child({ component: 'git' }),
      redact,
    }),
    queue,
    store: createStore({ redisUrl, prefix, log: log.child({ component: 'store' }) }),
    sources: createSources(config, redactor),
    owned: createOwnedObjects(cluster),
    memory: createSyncMemory(),
    packer: { pack: promisify(gzip), unpack: async (bytes) => (await promisify(gunzip)(bytes)).toString() },
  }
}

/** What an operator set for the network: proxies and certificate authorities (ruling 15). */
function networkOf(env: NodeJS.ProcessEnv): Record<string, string> {
  const names = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTPS_PROXY', 'NO_PROXY', 'SSL_CERT_FILE']
  return Object.fromEntries(names.flatMap((name) => (env[name] ? [[name, env[name]]] : [])))
}
