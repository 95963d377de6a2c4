import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { createFence, createLeadership } from '../adapters/cluster/index.ts'
import { createLog, createRedactor } from '../adapters/log/index.ts'
import { createLimitedChildren } from '../adapters/process/index.ts'
import type { AppOptions } from '../api/app-options.ts'
import type { Config } from '../config/config.ts'
import { helpText } from '../config/document.ts'
import { toAppError } from '../domain/error.ts'
import { sourceDefaults } from '../domain/source/resource.ts'
import type { Fence } from '../domain/work/fence.ts'
import { labelForFluxctl, withoutFluxctlLabel } from '../jobs/fluxctl-label.ts'
import type { KubeObject } from '../domain/manifest/object.ts'
import { wasSeen } from '../jobs/sync-release/memory.ts'
import { watchReleases } from '../jobs/watch-releases.ts'
import { watchSources } from '../jobs/watch-sources.ts'
import { ensureNamespace, installDefinition, installSources, untilDone } from './bootstrap.ts'
import { requireRegistries } from './image-worker.ts'
import { createProcessRun } from './child-programs.ts'
import { createJobLogs } from './job-log.ts'
import { keepSchedules, type Periods } from './controller.ts'
import { definitionFiles, version } from './package.ts'
import { fluxctlLabelOf } from './own-pod.ts'
import { fillKeyring } from './keyring.ts'
import { keepMemory } from './keep-memory.ts'
import { readConfig } from './read-config.ts'
import { readOnlyFence } from './read-only.ts'
import { startRedisChild } from './redis-child.ts'
import { ensureSecrets } from './secrets.ts'
import { createProcessViews, type Life, readConditions, serve, serveMetrics, serveProbes } from './server.ts'
import { sourceWatchOf } from './source-work.ts'
import { type Ending, onStop } from './stop.ts'
import { connectUpstream } from './upstream.ts'
import { type Ground, type Parts, wire } from './wire.ts'
import { processorsOf } from './worker.ts'

/** `capstan run`: until a signal ends it. Gives the exit code; wrong flags are all named at once, exit 2 (1 where fluxd's was 1). */
export async function run(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const loaded = readConfig(argv, env)
  if ('problems' in loaded) return refuse(loaded.problems, loaded.exitCode)
  if ('show' in loaded) {
    process.stdout.write(loaded.show === 'version' ? `${version}\n` : helpText())
    return 0
  }
  return await runProcess(loaded.config, env)
}

function refuse(problems: readonly string[], exitCode: number): number {
  for (const problem of problems) process.stderr.write(`capstan run: ${problem}\n`)
  return exitCode
}

async function runProcess(config: Config, env: NodeJS.ProcessEnv): Promise<number> {
  const redactor = createRedactor()
  const { also, around } = createJobLogs()
  const log = createLog({ ...config.log, redactor, also })
  const limited = createLimitedChildren()
  const run = createProcessRun(redactor, { log: log.child({ component: 'process' }), limited })
  const identity = `${hostname()
    .toLowerCase()
    .replace(/[^a-z0-9-]/g, '-')
    .slice(0, 40)}-${randomBytes(4).toString('hex')}`
  const ending = onStop(log)
  const memoryWatch = config.memoryWatch ? keepMemory(limited, ending, log) : undefined
  for (const warning of config.warnings) log.warn({}, warning)
  mkdirSync(config.cacheDir, { recursive: true, mode: 0o700 })
  try {
    const redisUrl = await redisOf(config, { run, log, path: env.PATH ?? '' }, ending)
    redactor.register([new URL(redisUrl).password])
    await start(wire({ config, log, redactor, run, memoryWatch, identity, redisUrl, around }, env), ending, env)
    log.info({ version, identity }, 'capstan is up')
  } catch (error) {
    const { reason, message } = toAppError(error)
    log.error({ reason }, `capstan cannot start: ${message}`)
    ending.stop(1)
  }
  return await ending.ended
}

async function redisOf(
  config: Config,
  tools: Pick<Ground, 'run' | 'log'> & { path: string },
  ending: Ending,
): Promise<string> {
  if (config.redis.url) return config.redis.url
  const directory = join(config.stateDir, 'redis')
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const child = await startRedisChild({ ...tools, log: tools.log.child({ component: 'redis' }), directory })
  ending.last(() => child.stop())
  return child.url
}

/** The API first, so that probes and people get an answer; what needs the cluster follows as soon as it is there. */
async function start(parts: Parts, ending: Ending, env: NodeJS.ProcessEnv): Promise<void> {
  const { config, cluster, queue, store, owned, sources, log } = parts
  let waitsFor = 'the Kubernetes API server'
  ending.last(() => cluster.close())
  ending.last(() => store.close())
  // the API enqueues until its end
  ending.last(() => queue.close(0))
  await startServers(parts, ending, () => waitsFor)
  ending.first(async () => {
    await queue.stopWork(config.shutdownGraceMs)
    owned.stop()
    sources.stop()
  })
  work(parts, ending, env).then(
    () => {
      waitsFor = ''
    },
    (error: unknown) => {
      if (ending.signal.aborted) return
      log.error({ reason: toAppError(error).reason }, `capstan cannot go on: ${toAppError(error).message}`)
      ending.stop(1)
    },
  )
}

/** The API, or probes alone where another process has it; /metrics with them or, as fluxd, on an address of its own (`--listen-metrics`). */
async function startServers(parts: Parts, ending: Ending, starting: () => string): Promise<void> {
  const { config, metrics } = parts
  const { listenMetrics } = config
  const life = { starting, isEnding: () => ending.signal.aborted }
  const text = async () => await metrics.text()
  const together = listenMetrics ? {} : { metrics: text }
  const app = config.roles.includes('api')
    ? await startApi(parts, life, together)
    : await serveProbes(config, { ready: async () => starting() === '' && !life.isEnding(), ...together }, parts.log)
  ending.last(async () => {
    await ending.sinceAsked(config.drainTimeMs)
    await app.close()
  })
  if (!listenMetrics) return
  const metricsApp = await serveMetrics(text, listenMetrics)
  ending.last(() => metricsApp.close())
}

/** With the conditions of releases in its metrics: one kind of process shows them, those that serve the API (ruling 19). */
async function startApi(parts: Parts, life: Life, metrics: Pick<AppOptions, 'metrics'>): ReturnType<typeof serve> {
  parts.metrics.watchReleases(async () => await readConditions(parts))
  const views = createProcessViews(parts, life)
  parts.metrics.watchStanding(async () => await views.status())
  return await serve(parts, {
    views,
    secrets: ensureSecrets(parts.config),
    onAnswer: parts.metrics.answered,
    isEnding: life.isEnding,
    ...metrics,
  })
}

/** Everything that changes the world; begins once the cluster answers. */
async function work(parts: Parts, ending: Ending, env: NodeJS.ProcessEnv): Promise<void> {
  const { config, cluster, queue, sources, log, identity } = parts
  const { signal } = ending
  const { namespace } = config
  if (!config.readOnly) await prepareCluster(parts, signal)
  await sources.synced
  if (config.roles.includes('worker')) {
    await fillKeyring(parts, env, ending)
    const onLost = (why: string) => {
      log.warn({ reason: 'FenceLost' }, `${why}; this process ends and must be started again`)
      ending.stop(1)
    }
    const make = async () =>
      config.readOnly ? readOnlyFence() : await createFence({ cluster, namespace, identity, log, onLost })
    const fence = await untilDone('our Lease', make, log, signal)
    ending.last(() => fence.stop())
    makeDeployKey(parts, fence)
    if (config.enable.includes('images')) await requireRegistries(parts, env)
    await queue.work(processorsOf(parts, fence, env, ending))
  }
  if (config.roles.includes('controller')) {
    const forFluxctl = fluxctlLabelOf(parts)
    if (forFluxctl && !config.readOnly) await withoutFluxctlLabel(forFluxctl)
    const onLead = (lead: AbortSignal) => {
      keepSchedules(periodsOf(config, parts.sinks.length > 0), { queue, log, namespace }, lead)
      if (config.enable.includes('sync')) watchSources(sources, sourceWatchOf(parts), lead)
      if (config.enable.includes('releases')) watchReleases(releaseWatchOf(parts), lead)
      if (forFluxctl && !config.readOnly) void labelForFluxctl(forFluxctl, lead)
      connectUpstream(parts, ending, lead)
    }
    // who only looks needs no Lease to lead: this process looks for itself
    if (config.readOnly) onLead(signal)
    else {
      const leadership = createLeadership({ cluster, namespace, identity, log, onLead })
      ending.first(() => leadership.stop())
    }
  }
}

/** What our records need. */
async function prepareCluster(parts: Parts, signal: AbortSignal): Promise<void> {
  const { config, cluster, log } = parts
  const make = () => ensureNamespace(config.namespace, { cluster, log }, signal)
  await untilDone('the namespace of our records', make, log, signal)
  await installOurs(parts, signal)
}

/** Made and logged at the start, so that it can be entered at the forge; what fails is tried again by each fetch, which says why. */
function makeDeployKey({ deployKeys, log }: Parts, fence: Fence): void {
  deployKeys.allowMaking(fence)
  if (deployKeys.none !== undefined) return
  deployKeys.get().catch((error: unknown) => {
    const { reason, message } = toAppError(error)
    log.warn({ reason }, `there is no deploy key: ${message}`)
  })
}

async function installOurs({ config, cluster, log }: Parts, signal: AbortSignal): Promise<void> {
  if (!config.installCrds) return
  const { releases, sources } = definitionFiles
  if (config.enable.includes('releases')) {
    const install = () => installDefinition(releases, { cluster, log }, signal)
    await untilDone('the definition of HelmReleases', install, log, signal)
  }
  if (config.enable.includes('sync')) {
    const install = () => installSources(sources, { cluster, log }, signal)
    await untilDone('the definition of Sources', install, log, signal)
  }
}

function releaseWatchOf(parts: Parts): Parameters<typeof watchReleases>[0] {
  const { cluster, queue, releaseMemory, log } = parts
  const { namespace, legacy, defaultGitRef, updateChartDependencies } = parts.config.releases
  const defaults = { gitRef: defaultGitRef, updateDependencies: updateChartDependencies }
  const ours = { wasSeen: (key: string, secret: KubeObject) => wasSeen(key, secret, releaseMemory) }
  return { cluster, enqueue: queue.enqueue, namespace, legacy, defaults, ...ours, log }
}

/** A delivery that Redis has lost is asked for again within this time. */
const sinksMs = 60_000

/** Charts from git are looked at by the Operator's own interval, where that is the shorter one. */
function releasePeriods({ releases: { resyncIntervalMs }, git: { pollIntervalMs } }: Config): Periods {
  const releases = { scope: 'releases' as const, everyMs: resyncIntervalMs }
  return pollIntervalMs < resyncIntervalMs ? [releases, { scope: 'charts', everyMs: pollIntervalMs }] : [releases]
}

function periodsOf(config: Config, hasSinks: boolean): Periods {
  const { enable, source, images, readOnly } = config
  return [
    // without a source of the flags these enqueue nothing, and still show whether Redis has lost the schedules
    ...(enable.includes('sync')
      ? [
          { scope: 'poll' as const, everyMs: (source ?? sourceDefaults).pollIntervalMs },
          { scope: 'sources' as const, everyMs: (source ?? sourceDefaults).syncIntervalMs },
        ]
      : []),
    ...(enable.includes('releases') ? releasePeriods(config) : []),
    ...(enable.includes('images') && source ? [{ scope: 'images' as const, everyMs: images.scanIntervalMs }] : []),
    ...(hasSinks && !readOnly ? [{ scope: 'sinks' as const, everyMs: sinksMs }] : []),
  ]
}
