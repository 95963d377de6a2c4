import { Counter, Gauge, Histogram, type Registry } from '@prometheus-io/client'
import type { JobEnded, QueueFacts, SyncEnded } from './facts.ts'

/** Capstan's own metrics. */
export type OwnMetrics = {
  jobEnded: (ended: JobEnded) => void
  syncEnded: (ended: SyncEnded) => void
  /** The queue as it is now; undefined when it could not be read: then its series are left out, which is not zero. */
  queue: (facts: QueueFacts | undefined) => void
}

export function createOwnMetrics(registers: [Registry]): OwnMetrics {
  const jobs = new Histogram({
    name: 'capstan_job_duration_seconds',
    help: 'Duration of one run of a job, in seconds; outcome done, again (runs once more later) or failed.',
    labelNames: ['kind', 'outcome'],
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800],
    registers,
  })
  const queueJobs = new Gauge({
    name: 'capstan_queue_jobs',
    help: 'Jobs in the queue.',
    labelNames: ['kind', 'state'],
    registers,
  })
  const oldestWait = new Gauge({
    name: 'capstan_queue_oldest_wait_seconds',
    help: 'How long the job at the head of the queue has waited, in seconds; 0 when none waits.',
    labelNames: ['kind'],
    registers,
  })
  const sourceObjects = new Gauge({
    name: 'capstan_source_objects',
    help: 'Objects of a source in its last sync.',
    labelNames: ['namespace', 'name'],
    registers,
  })
  const changes = new Counter({
    name: 'capstan_changes_total',
    help: 'What syncs did to objects.',
    labelNames: ['action'],
    registers,
  })
  // from zero on, so that the first one shows in rate()
  for (const action of ['created', 'configured', 'deleted', 'skipped', 'failed']) changes.inc({ action }, 0)

  return {
    jobEnded: ({ kind, outcome, seconds }) => jobs.observe({ kind, outcome }, seconds),
    syncEnded({ namespace, name, changes: made, objects }) {
      sourceObjects.set({ namespace, name }, objects)
      for (const { action } of made) if (action !== 'unchanged') changes.inc({ action })
    },
    queue(facts) {
      queueJobs.reset()
      oldestWait.reset()
      for (const [kind, states] of Object.entries(facts?.counts ?? {})) {
        for (const [state, count] of Object.entries(states)) queueJobs.set({ kind, state }, count)
      }
      for (const [kind, ms] of Object.entries(facts?.oldestWaitMs ?? {})) oldestWait.set({ kind }, ms / 1000)
    },
  }
}
