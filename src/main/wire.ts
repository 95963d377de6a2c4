import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Cluster, createCluster, readOnly as readOnlyCluster } from '../adapters/cluster/index.ts'
import { createGenerator, type Generator } from '../adapters/generate/index.ts'
import { createGit, type Git, type GitRemote, readOnly as readOnlyGit } from '../adapters/git/index.ts'
import { createParser } from '../adapters/parser/index.ts'
import { createMetrics, type Metrics } from '../adapters/metrics/index.ts'
import type { MemoryWatch } from '../adapters/process/index.ts'
import { createQueue, type Queue, type RunAround } from '../adapters/queue/index.ts'
import { createSops, sopsEnvironment } from '../adapters/sops/index.ts'
import { addressesFor } from './git-addresses.ts'
import { createStore, type Store } from '../adapters/store/index.ts'
import type { Config } from '../config/config.ts'
import type { Sink } from '../domain/event/sink.ts'
import type { ParseFiles } from '../domain/manifest/parsed-file.ts'
import { isFluxJob } from '../domain/source/flux-source.ts'
import type { Sources } from '../jobs/sources.ts'
import { createHistory, type History } from '../jobs/history.ts'
import { notifySinks } from '../jobs/notify-sinks.ts'
import { createOwnedObjects, type OwnedObjects } from '../jobs/owned-objects.ts'
import type { SourceRegistry } from '../jobs/source-registry.ts'
import { openKeys } from '../jobs/open-keys.ts'
import type { Decrypt } from '../jobs/sync-source/files.ts'
import type { Packer } from '../jobs/sync-source/ledger.ts'
import { createReleaseMemory, type ReleaseMemory } from '../jobs/sync-release/memory.ts'
import { createSyncMemory, type SyncMemory } from '../jobs/sync-source/memory.ts'
import type { Logger } from '../lib/logger.ts'
import type { Redactor } from '../lib/redactor.ts'
import type { Run } from '../lib/run.ts'
import { createDeployKeys, type DeployKeys } from './deploy-key.ts'
import { parseChildEntry } from './package.ts'
import { createPacker } from './packer.ts'
import { sinksOf } from './read-sinks.ts'
import { createScratchKeyrings } from './scratch-keyring.ts'
import { createSources } from './sources.ts'

/** Everything that talks to the outside, made once per process. */
export type Parts = {
  config: Config
  log: Logger
  redactor: Redactor
  run: Run
  /** Undefined where nothing limits our memory. */
  memoryWatch: MemoryWatch | undefined
  /** Names this process to people and to its Lease; never used again. */
  identity: string
  cluster: Cluster
  git: Git
  queue: Queue
  store: Store
  /** What happened, as told from a job. */
  history: (jobId: string) => History
  /** Where events are sent. */
  sinks: readonly Sink[]
  sources: Sources & SourceRegistry
  deployKeys: DeployKeys
  owned: OwnedObjects
  memory: SyncMemory
  releaseMemory: ReleaseMemory
  packer: Packer
  parse: ParseFiles
  generator: Generator<GitRemote>
  /** For files that sops encrypted. */
  secrets: Decrypt
  /** The keyring that signs, verifies and decrypts. */
  gnupgHome: string
  metrics: Metrics
  /** Proxies and certificate authorities that the operator set (ruling 15). */
  environment: Readonly<Record<string, string>>
}

export type Ground = Pick<Parts, 'config' | 'log' | 'redactor' | 'run' | 'memoryWatch' | 'identity'> & {
  redisUrl: string
  /** Lets the log lines of a run find their job. */
  around: RunAround
}

/** Builds the adapters; none of them needs its other side to be there yet. */
export function wire(ground: Ground, env: NodeJS.ProcessEnv): Parts {
  const { config, log, redactor, identity, redisUrl, around } = ground
  const { redact } = redactor
  const { prefix } = config.redis
  const environment = networkOf(env)
  const connected = createCluster({
    ...(config.kubeconfig ? { kubeconfig: config.kubeconfig } : {}),
    log: log.child({ component: 'cluster' }),
  })
  const cluster = config.readOnly ? readOnlyCluster(connected) : connected
  const queueLog = log.child({ component: 'queue' })
  const queue = createQueue({ redisUrl, prefix, worker: identity, log: queueLog, redact, around })
  redactor.register([config.events.token])
  const { sinks } = sinksOf(config)
  const deployKeys = createDeployKeys(config, {
    cluster,
    run: ground.run,
    path: env.PATH ?? '',
    log: log.child({ component: 'git' }),
  })
  const sources = createSources(config, {
    cluster,
    redactor,
    deployKeys,
    environment,
    log: log.child({ component: 'sources' }),
  })
  // short: the sockets of gpg's agent lie in it
  const gnupgHome = env.GNUPGHOME || join(tmpdir(), `capstan-gpg-${identity.slice(-8)}`)
  const git = gitOf(ground, { environment, gnupgHome })
  const store = createStore({ redisUrl, prefix, log: log.child({ component: 'store' }) })
  const parse = createParser({ run: ground.run, entry: parseChildEntry(), log: log.child({ component: 'parser' }) })
  const sops = createSops({
    run: ground.run,
    binary: config.generators.sopsBinary,
    environment: sopsEnvironment({ ...env, GNUPGHOME: gnupgHome }, join(config.cacheDir, 'sops')),
    register: redactor.register,
  })
  const keyring = createScratchKeyrings(ground.run, env.PATH ?? '')
  return {
    ...ground,
    environment,
    cluster,
    metrics: metricsOf(queue, sources),
    git,
    gnupgHome,
    parse,
    generator: createGenerator({
      run: ground.run,
      export: async (...where) => await git.export(...where),
      parse,
      directory: join(config.cacheDir, 'checkouts'),
      environment: env,
      gnupgHome,
      ...config.generators,
    }),
    secrets: {
      isEncrypted: sops.isEncrypted,
      open: async (spec, signal) => await openKeys(spec, { cluster, redactor, sops, keyring }, signal),
    },
    queue,
    store,
    sinks,
    history: createHistory({
      store,
      redact,
      onTold: async (events) =>
        await notifySinks(events, { sinks, namespace: config.namespace, enqueue: queue.enqueue, log }),
      log: log.child({ component: 'events' }),
    }),
    deployKeys,
    sources,
    owned: createOwnedObjects(cluster),
    memory: createSyncMemory(),
    releaseMemory: createReleaseMemory(),
    packer: createPacker(),
  }
}

function gitOf({ config, log, redactor }: Ground, own: Pick<Parts, 'environment' | 'gnupgHome'>): Git {
  const git = createGit({
    directory: join(config.cacheDir, 'git'),
    timeoutMs: config.git.timeoutMs,
    ...own,
    ...config.git.files,
    addressesOf: addressesFor(config.sources),
    log: log.child({ component: 'git' }),
    redact: redactor.redact,
  })
  return config.readOnly ? readOnlyGit(git) : git
}

function metricsOf(queue: Queue, sources: Pick<SourceRegistry, 'list'>): Metrics {
  const metrics = createMetrics()
  metrics.watchQueue(async () => {
    const [counts, oldestWaitMs, lanes] = await Promise.all([queue.counts(), queue.oldestWaitMs(), queue.lanes()])
    const updates = { kinds: ['update-images'], states: ['waiting'], limit: mostCounted } as const
    const jobs = counts['update-images'].waiting > 0 ? await queue.list(updates) : []
    const fluxWaiting = jobs.filter((job) => isFluxJob(job, sources.list())).length
    return { counts, oldestWaitMs, lanes, fluxWaiting }
  })
  return metrics
}

/** More jobs that wait to write to git are not told from more. */
const mostCounted = 1000

/** What an operator set for the network: proxies and certificate authorities (ruling 15). */
function networkOf(env: NodeJS.ProcessEnv): Record<string, string> {
  const proxies = ['http_proxy', 'https_proxy', 'no_proxy']
  const names = [...proxies, ...proxies.map((name) => name.toUpperCase()), 'SSL_CERT_FILE']
  return Object.fromEntries(names.flatMap((name) => (env[name] ? [[name, env[name]]] : [])))
}
