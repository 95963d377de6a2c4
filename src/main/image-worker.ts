import { randomUUID } from 'node:crypto'
import type { LeasedFence } from '../adapters/cluster/index.ts'
import type { Processor } from '../adapters/queue/index.ts'
import { createLogins, createRegistry, type Logins, type LoginsOptions } from '../adapters/registry/index.ts'
import { makeGlobs } from '../domain/image/glob.ts'
import { listImageScans, scanImage } from '../jobs/scan-image/index.ts'
import { createImageMemory } from '../jobs/scan-image/workloads.ts'
import { updateImages } from '../jobs/update-images/index.ts'
import { AppError } from '../domain/error.ts'
import { isFluxJob } from '../domain/source/flux-source.ts'
import type { Logger } from '../lib/logger.ts'
import { measuredRegistry, measuredStore } from './measured.ts'
import { processRequests } from './requests.ts'
import { ensureSecrets } from './secrets.ts'
import type { Parts } from './wire.ts'

export type ImageWork = {
  scan: Processor
  update: Processor
  /** Canonical repositories that are scanned. */
  list(signal: AbortSignal): Promise<string[]>
  close(): Promise<void>
}

/** Scans that follow each other so closely belong together. */
const scansApartMs = 300

/** Scans registries and commits new images; where none is scanned, does what people ask for. */
export function imageWork(parts: Parts, fence: LeasedFence, env: NodeJS.ProcessEnv): ImageWork {
  const { config, cluster, git, generator, queue, sources, redactor, environment, run, metrics } = parts
  const store = measuredStore(parts.store, { isUp: () => queue.isUp(), metrics })
  const { images } = config
  const log = parts.log.child({ component: 'warmer' })
  const registry = createRegistry({
    log,
    environment,
    memory: store,
    rps: images.rps,
    burst: images.burst,
    trace: images.trace,
  })
  const logins = createLogins({ run, log, env, dockerConfig: images.dockerConfig })
  const regions = [...images.ecr.regions]
  // nothing is decided before it is known which region's images are ours
  let placing: Promise<void> | undefined
  const placed = async (): Promise<void> => {
    if (config.enable.includes('images')) await (placing ??= addRegion(regions, logins, log))
  }
  let scanEndedAt = 0
  const deps = {
    sources,
    git,
    generator,
    cluster,
    store,
    redactor,
    log,
    fence,
    memory: createImageMemory(),
    registry: measuredRegistry(registry, metrics),
    enqueue: queue.enqueue,
    async scansLeft() {
      const { waiting, active } = await queue.countsOf('scan-image')
      // scans come in a row: between two of them there may be none for a moment
      return waiting + active + (Date.now() - scanEndedAt < scansApartMs ? 1 : 0)
    },
    areTenants: config.sources.areTenants,
    listDepth: images.listDepth,
    insecureHosts: images.insecureHosts,
    filter: { include: images.include, exclude: images.exclude, ecr: { ...images.ecr, regions } },
    logins,
    usesLabels: makeGlobs(images.useLabels),
    requests: processRequests(parts, ensureSecrets(config).tokenFile),
    author: config.git.author,
    setAuthor: config.git.setAuthor,
    signingKey: config.git.signingKey,
    ciSkip: config.git.ciSkip,
    readonly: config.git.readonly,
    scanIntervalMs: images.scanIntervalMs,
    now: () => new Date(),
    newId: randomUUID,
  }
  return {
    async scan(payload, { signal }) {
      await placed()
      try {
        return await scanImage(payload, deps, signal)
      } finally {
        scanEndedAt = Date.now()
      }
    },
    async update(payload, { jobId, signal }) {
      await placed()
      // fluxd measured its own releases (ruling 19)
      const released = isFluxJob(payload, sources.list()) ? metrics.released : () => undefined
      return await updateImages(payload, { ...deps, released, history: parts.history(jobId) }, signal)
    },
    async list(signal) {
      await placed()
      return await listImageScans(deps, signal)
    },
    async close() {
      await Promise.all([registry.close(), logins.close()])
    },
  }
}

/** Where no region of ECR was named, the one that we run in; elsewhere than at AWS there is none, and ECR is not scanned (flux-v1 §14). */
async function addRegion(regions: string[], logins: Pick<Logins, 'region'>, log: Logger): Promise<void> {
  if (regions.length > 0) return
  try {
    regions.push(await logins.region())
  } catch (error) {
    const why = error instanceof Error ? error.message : ''
    log.info({}, `images of ECR are not scanned without --registry-ecr-region: ${why}`)
  }
}

/** Throws when a registry that is required (`--registry-require`) cannot be used: for ECR, when nobody knows which region is ours. */
export async function requireRegistries(
  { config, run, log }: Pick<Parts, 'config' | 'run' | 'log'>,
  env: NodeJS.ProcessEnv,
  options: Pick<LoginsOptions, 'nearMs'> = {},
): Promise<void> {
  const { ecr, require, dockerConfig } = config.images
  if (!require.includes('ecr') || ecr.regions.length > 0) return
  const logins = createLogins({ run, log, env, dockerConfig, ...options })
  try {
    await logins.region()
  } catch (error) {
    const why = error instanceof Error ? error.message : ''
    const message = `--registry-require=ecr, and the region is not known: ${why}; give --registry-ecr-region`
    throw new AppError('RegistryAuthFailed', message, { retry: 'never', cause: error })
  } finally {
    await logins.close()
  }
}
