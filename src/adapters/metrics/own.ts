import { Counter, Gauge, Histogram, type Registry } from '@prometheus-io/client'
import type { Answer, JobEnded, QueueFacts, Standing, SyncEnded } from './facts.ts'

/** Capstan's own metrics. */
export type OwnMetrics = {
  jobEnded: (ended: JobEnded) => void
  syncEnded: (ended: SyncEnded) => void
  /** The queue as it is now; undefined when it could not be read: then its series are left out, which is not zero. */
  queue: (facts: QueueFacts | undefined) => void
  answered: (answer: Answer) => void
  /** Sources and releases as they are now; undefined when they could not be read. */
  standing: (facts: Standing | undefined) => void
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
  const lanes = createLaneMetrics(registers)
  const { standing } = createStandingMetrics(registers)
  const latency = new Histogram({
    name: 'capstan_api_request_duration_seconds',
    help: 'Duration of answers of the API, in seconds; those of streams last as long as somebody looks on.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
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
    standing,
    answered: ({ method, route, status, seconds }) =>
      latency.observe({ method, route: route || 'unmatched', status: String(status) }, seconds),
    queue(facts) {
      lanes(facts?.lanes ?? {})
      queueJobs.reset()
      oldestWait.reset()
      for (const [kind, states] of Object.entries(facts?.counts ?? {})) {
        for (const [state, count] of Object.entries(states)) queueJobs.set({ kind, state }, count)
      }
      for (const [kind, ms] of Object.entries(facts?.oldestWaitMs ?? {})) oldestWait.set({ kind }, ms / 1000)
    },
  }
}

/** How deep the lanes are (law 5). */
function createLaneMetrics(registers: [Registry]): (lanes: QueueFacts['lanes']) => void {
  const jobs = new Gauge({
    name: 'capstan_queue_lane_jobs',
    help: 'Jobs in a lane of the queue that wait for their turn or run.',
    labelNames: ['lane', 'state'],
    registers,
  })
  const oldest = new Gauge({
    name: 'capstan_queue_lane_oldest_wait_seconds',
    help: 'How long the job in front of a lane has waited, in seconds; 0 when none waits.',
    labelNames: ['lane'],
    registers,
  })
  return (lanes) => {
    jobs.reset()
    oldest.reset()
    for (const [lane, { waiting, active, oldestWaitMs }] of Object.entries(lanes)) {
      jobs.set({ lane, state: 'waiting' }, waiting)
      jobs.set({ lane, state: 'active' }, active)
      oldest.set({ lane }, oldestWaitMs / 1000)
    }
  }
}

/** How many sources and releases stand how: one series for each state, however many there are. */
function createStandingMetrics(registers: [Registry]): Pick<OwnMetrics, 'standing'> {
  const releases = new Gauge({
    name: 'capstan_releases',
    help: "HelmReleases by helm's word for their state (absent where there is none) and whether they are as git wants them.",
    labelNames: ['state', 'ready'],
    registers,
  })
  const sources = new Gauge({
    name: 'capstan_sources',
    help: 'Sources by whether they are as git wants them.',
    labelNames: ['ready'],
    registers,
  })
  return {
    standing(facts) {
      releases.reset()
      sources.reset()
      if (!facts) return
      for (const ready of ['true', 'false']) sources.set({ ready }, 0)
      for (const { ready } of facts.sources) sources.inc({ ready: String(ready) })
      for (const { state, ready } of facts.releases) releases.inc({ state, ready: String(ready) })
    },
  }
}
