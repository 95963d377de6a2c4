import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { Processor } from '../adapters/queue/index.ts'
import { fieldsDropped } from '../domain/plan/take-over.ts'
import type { JobKind } from '../domain/work/job.ts'
import { changeSource } from '../jobs/change-source/index.ts'
import { type PlanSourceDeps, planSource } from '../jobs/plan-source/index.ts'
import type { SyncSourceDeps } from '../jobs/sync-source/sync.ts'
import { processRequests } from './requests.ts'
import { ensureSecrets } from './secrets.ts'
import type { Parts } from './wire.ts'

/** The jobs that answer requests with arguments about sources. `sync` is what syncs work with: a plan reads as they do. */
export function requestProcessors(
  parts: Parts,
  sync: SyncSourceDeps,
): Pick<Record<JobKind, { run: Processor; slots: number }>, 'plan-source' | 'change-source'> {
  const { sources, queue, history } = parts
  const planning = planningDeps(parts, sync)
  const changing = {
    sources,
    requests: planning.requests,
    cluster: sync.cluster,
    fence: sync.fence,
    enqueue: queue.enqueue,
  }
  return {
    'plan-source': { slots: 2, run: (payload, { signal }) => planSource(payload, planning, signal) },
    'change-source': {
      slots: 1,
      run: (payload, { jobId, signal }) => changeSource(payload, { ...changing, history: history(jobId) }, signal),
    },
  }
}

/** What plans of sources work with in this process. */
export function planningDeps(parts: Parts, sync: SyncSourceDeps): PlanSourceDeps {
  const unpack = promisify(gunzip)
  return {
    ...sync,
    requests: processRequests(parts, ensureSecrets(parts.config).tokenFile),
    redactor: parts.redactor,
    fieldsDropped,
    gunzip: async (bytes, maxOutputLength) => await unpack(bytes, { maxOutputLength }),
  }
}
