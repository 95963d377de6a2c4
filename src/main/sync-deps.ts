import { setTimeout as sleep } from 'node:timers/promises'
import type { LeasedFence } from '../adapters/cluster/index.ts'
import type { Config } from '../config/config.ts'
import { appliedKey, appliedKeptMs } from '../domain/source/applied.ts'
import { isFluxSource } from '../domain/source/flux-source.ts'
import { fetchKey, parseFetchFact } from '../domain/source/status.ts'
import { renderSource } from '../jobs/sync-source/render.ts'
import { takeRemoval } from '../jobs/tell-removed.ts'
import type { HeldBack } from '../jobs/sync-source/desired.ts'
import type { SyncSourceDeps } from '../jobs/sync-source/sync.ts'
import { publisher } from './source-work.ts'
import type { Parts } from './wire.ts'

/** What syncs of sources work with in this process. */
export function syncDeps(parts: Parts, fence: LeasedFence): SyncSourceDeps {
  const { config, generator, queue, store, metrics } = parts
  const { sources, git, owned, memory, packer, parse, secrets, log } = parts
  const { author, signingKey, deployKey } = config.git
  const cluster = parts.cluster.fenced(() => fence.check())
  return {
    sources,
    git,
    lastFetch: async ({ namespace, name }) =>
      parseFetchFact(await store.get(fetchKey(namespace, name)).catch(() => undefined)),
    cluster,
    owned,
    memory,
    packer,
    parse,
    secrets,
    log,
    fence,
    render: (where, signal) => renderSource(where, { generator }, signal),
    marking: { author, signingKey, secret: { namespace: config.namespace, name: deployKey.secretName } },
    enqueue: queue.enqueue,
    now: () => new Date(),
    random: Math.random,
    pause: async (ms, signal) => await sleep(ms, undefined, { signal }),
    replaces: replacedBy(config),
    redact: parts.redactor.redact,
    publish: publisher({ ...parts, cluster }),
    remember: ({ namespace, name }, applied) =>
      store.set(appliedKey(namespace, name), JSON.stringify(applied), { ttlMs: appliedKeptMs }),
    wasRemoved: async (spec) => await takeRemoval(spec, store),
    ended: (result) => metrics.syncEnded({ ...result, isFlux: isFluxSource(result, sources.list()) }),
  }
}

/** What runs an ancestor whose work is done here is not applied, nor a definition that is kept up to date here (rulings 1 and 6). */
function replacedBy({ enable, installCrds }: Config): Set<HeldBack> {
  const releases: HeldBack[] = ['helm-operator', ...(installCrds ? (['definition'] as const) : [])]
  return new Set<HeldBack>(['fluxd', ...(enable.includes('releases') ? releases : [])])
}
