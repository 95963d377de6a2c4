import { setTimeout as sleep } from 'node:timers/promises'
import type { LeasedFence } from '../adapters/cluster/index.ts'
import type { Processor } from '../adapters/queue/index.ts'
import { createRegistry } from '../adapters/registry/index.ts'
import { makeGlobs } from '../domain/image/glob.ts'
import { listImageScans, scanImage } from '../jobs/scan-image/index.ts'
import { createImageMemory } from '../jobs/scan-image/workloads.ts'
import { updateImages } from '../jobs/update-images/index.ts'
import type { Parts } from './wire.ts'

export type ImageWork = {
  scan: Processor
  update: Processor
  /** Canonical repositories that automated workloads use. */
  list(signal: AbortSignal): Promise<string[]>
  close(): Promise<void>
}

/** Scans registries and commits new images. */
export function imageWork(parts: Parts, fence: LeasedFence): ImageWork {
  const { config, cluster, git, queue, store, sources, redactor, environment } = parts
  const { images } = config
  const log = parts.log.child({ component: 'warmer' })
  const registry = createRegistry({ log, environment, memory: store })
  const deps = {
    sources,
    git,
    cluster,
    store,
    redactor,
    log,
    fence,
    memory: createImageMemory(),
    registry,
    enqueue: queue.enqueue,
    insecureHosts: images.insecureHosts,
    filter: { include: images.include, exclude: images.exclude },
    usesLabels: makeGlobs(images.useLabels),
    author: config.git.author,
    signingKey: config.git.signingKey,
    ciSkip: config.git.ciSkip,
    readonly: config.git.readonly,
    now: () => new Date(),
    random: Math.random,
    pause: async (ms: number, signal: AbortSignal) => await sleep(ms, undefined, { signal }),
  }
  return {
    scan: (payload, { signal }) => scanImage(payload, deps, signal),
    update: (payload, { signal }) => updateImages(payload, deps, signal),
    list: (signal) => listImageScans(deps, signal),
    close: () => registry.close(),
  }
}
