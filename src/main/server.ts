import { readFileSync } from 'node:fs'
import { summariseStoredRelease } from '../adapters/helm/index.ts'
import { createQueueBoard } from '../adapters/queue/index.ts'
import { createApp, createMetricsApp, createProbeApp } from '../api/app.ts'
import { imageHookKey } from '../api/routes/registry-hooks.ts'
import type { AppOptions } from '../api/app-options.ts'
import { makeGlobs } from '../domain/image/glob.ts'
import { makeScanFilter } from '../domain/image/scan-list.ts'
import { conditionsOf } from '../domain/health/fields.ts'
import { helmReleaseKind } from '../domain/release/spec.ts'
import type { Config } from '../config/config.ts'
import type { Logger } from '../lib/logger.ts'
import { cancelJob } from '../jobs/cancel-job.ts'
import { statusInStore } from '../jobs/read-status.ts'
import { createViews, type Views } from '../views/create-views.ts'
import { releaseTarget } from '../views/release-row.ts'
import { listenAll, listenAt, type Served } from './listen.ts'
import { boardUiPath, version } from './package.ts'
import { createFrontPage } from './front-page.ts'
import { processRequests } from './requests.ts'
import { clusterAccess } from './cluster-access.ts'
import { processIdentity } from './deploy-key.ts'
import type { Parts } from './wire.ts'

export type Secrets = { tokenFile: string; webhookSecretFile: string }

/** `starting` says what the start still waits for. */
export type Life = { starting: () => string; isEnding: () => boolean }

/** The views over what was wired. */
export function createProcessViews(parts: Parts, life?: Life): Views {
  const { cluster, store, queue, sources, config } = parts
  const { include, exclude, useLabels } = config.images
  return createViews({
    cluster,
    store,
    ...(config.readOnly ? { readStatus: statusInStore(store) } : {}),
    queue,
    sources: () => sources.list(),
    brokenSources: () =>
      sources.known().flatMap(({ namespace, name, problem }) => (problem ? [{ namespace, name, problem }] : [])),
    enable: config.takesUpdates ? [...config.enable, 'updates'] : config.enable,
    sinks: parts.sinks,
    namespace: config.namespace,
    releaseNamespace: config.releases.namespace,
    starting: () => life?.starting() ?? '',
    ending: () => (life?.isEnding() ? 'The process ends; it answers until requests go elsewhere.' : ''),
    summarise: summariseStoredRelease,
    unpack: parts.packer.unpack,
    images: {
      isScanned: makeScanFilter({ include, exclude }),
      usesLabels: makeGlobs(useLabels),
      areTenants: config.sources.areTenants,
    },
    now: () => new Date(),
  })
}

/** Serves the API where the flags say; resolves once it listens. */
export async function serve(
  parts: Parts,
  options: { views: Views; secrets: Secrets } & Pick<AppOptions, 'metrics' | 'onAnswer' | 'isEnding'>,
): Promise<Served> {
  const { views, secrets, ...told } = options
  const { queue, store, config, log, redactor } = parts
  const read = (file: string) => readFileSync(file, 'utf8').trim()
  const webhookSecret = read(secrets.webhookSecretFile)
  redactor.register([read(secrets.tokenFile), webhookSecret, imageHookKey(webhookSecret)])
  const uiPath = boardUiPath()
  const requests = processRequests(parts, secrets.tokenFile)
  const now = () => new Date()
  const app = createApp({
    views,
    enqueue: queue.enqueue,
    requests,
    queue: { ...queue, cancel: async (id, who) => await cancelJob(id, who, { queue, requests, now }) },
    token: () => read(secrets.tokenFile),
    limits: {
      calls: { perSecond: config.apiRate, burst: 8 * config.apiRate },
      mistakes: { perSecond: config.apiRate / 50, burst: Math.max(5, Math.ceil(0.6 * config.apiRate)) },
    },
    ...(config.apiAuth.byCluster ? { access: clusterAccess(parts) } : {}),
    openRefresh: config.openRefresh,
    webhookSecret: () => read(secrets.webhookSecretFile),
    deliveries: store,
    frontPage: createFrontPage(),
    links: store,
    board: createQueueBoard(queue, uiPath ? { uiPath } : {}),
    version,
    identity: () => processIdentity(parts.deployKeys),
    renewIdentity: () => processIdentity(parts.deployKeys, { renew: true }),
    log: log.child({ component: 'api' }),
    now,
    ...told,
  })
  return await listenAll(app, config, { log })
}

/** Metrics alone, where fluxd had them on an address of their own. */
export async function serveMetrics(
  metrics: NonNullable<AppOptions['metrics']>,
  address: { host: string; port: number },
): Promise<ReturnType<typeof createMetricsApp>> {
  const app = createMetricsApp({ metrics })
  await listenAt(app, address)
  return app
}

/** Probes of a process without the API, where the flags would have the API. */
export async function serveProbes(
  { listen, tls }: Pick<Config, 'listen' | 'tls'>,
  options: Parameters<typeof createProbeApp>[0],
  log: Logger,
): Promise<Served> {
  return await listenAll(createProbeApp(options), { listen, opensLoopback: false, ...(tls ? { tls } : {}) }, { log })
}

/** Every HelmRelease's conditions, for `release_condition_info`; none where releases are not run or not defined. */
export async function readConditions({ cluster, config }: Parts): Promise<ReleaseConditions[]> {
  if (
    !config.enable.includes('releases') ||
    !(await cluster.resource(helmReleaseKind.apiVersion, helmReleaseKind.kind))
  )
    return []
  const { namespace } = config.releases
  const objects = await cluster.list({ ...helmReleaseKind, ...(namespace ? { namespace } : {}) })
  return objects.map((object) => {
    const { release, namespace: targetNamespace } = releaseTarget(object)
    return { release, targetNamespace, conditions: conditionsOf(object) }
  })
}

type ReleaseConditions = { release: string; targetNamespace: string; conditions: { type: string; status: string }[] }
