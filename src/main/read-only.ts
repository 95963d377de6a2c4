import type { LeasedFence } from '../adapters/cluster/index.ts'
import type { Processor } from '../adapters/queue/index.ts'
import { AppError } from '../domain/error.ts'
import type { JobKind } from '../domain/work/job.ts'
import { fetchSource } from '../jobs/fetch-source.ts'
import { lookAtSource } from '../jobs/look-at-source.ts'
import { statusInStore } from '../jobs/read-status.ts'
import { fetching } from './fetching.ts'
import { planningDeps, requestProcessors } from './request-worker.ts'
import { syncDeps } from './sync-deps.ts'
import type { Parts } from './wire.ts'

/** In the place of our Lease where nothing is written: no Lease is made, and whoever is about to write is stopped. */
export function readOnlyFence(): LeasedFence {
  return {
    epoch: 'read-only',
    check() {
      throw new AppError('ReadOnly', 'nothing is written: this Capstan was started with --read-only', {
        retry: 'never',
      })
    },
    isDead: async () => false,
    stop: async () => {},
  }
}

/** The jobs about sources where nothing is written: fetches, plans, and looks in the place of syncs. */
export function lookProcessors(
  parts: Parts,
  fence: LeasedFence,
): Partial<Record<JobKind, { run: Processor; slots: number }>> {
  const { sources, git, store, queue, log } = parts
  const now = () => new Date()
  const fetch = { sources, git, readStatus: statusInStore(store), store, enqueue: queue.enqueue, log, now }
  const sync = syncDeps(parts, fence)
  const looking = { ...planningDeps(parts, sync), store }
  return {
    'fetch-source': {
      slots: 4,
      run: fetching(parts, (payload, { signal }) => fetchSource(payload, { ...fetch, memory: parts.memory }, signal)),
    },
    'sync-source': { slots: 2, run: (payload, { signal }) => lookAtSource(payload, looking, signal) },
    ...requestProcessors(parts, sync),
  }
}
