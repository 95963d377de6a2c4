import type { Change } from '../plan/change.ts'
import { laneOfReason } from '../work/job.ts'
import type { EventSource } from './event.ts'

/** Who or what caused an attempt, as the job says it. */
export type DeploymentCause = { by: string; why: string }

/** One line of the ledger: an attempt to sync a source or a release that changed something or failed. Holds no secret. */
export type Deployment = {
  source: EventSource
  cause: DeploymentCause
  /** The job that did it. */
  job: string
  /** RFC 3339. */
  startedAt: string
  endedAt: string
  outcome: 'done' | 'failed'
  reason: string
  message: string
  /** `branch@commit` of a source, the chart's version or commit of a release; `before` is what was tried last. */
  revision: string
  before: string
  /** Of a release: `name version`, and the digests of what helm got. */
  chart: string
  chartDigest: string
  valuesDigest: string
  /** helm's number; 0 for none. */
  helmRevision: number
  /** Images of the workloads that changed. */
  images: string[]
  /** Objects by what became of them; of a release what was done to it. */
  counts: Record<string, number>
  /** The objects that changed or failed, as IDs. */
  changes: { id: string; action: string; reason: string }[]
}

/** As it was kept. */
export type StoredDeployment = Deployment & { id: string }

/** The cause in a job's reason: who asked (`requested by ann (sync)`), or what happened. */
export function causeOf(reason: string): DeploymentCause {
  const [, by] = /^requested by (.+?)(?: \([\w -]+\))?$/.exec(reason) ?? []
  return { by: by ?? laneOfReason(reason), why: reason }
}

/** How many objects had which end, and those that are worth a line. */
export function countChanges(changes: readonly Change[], unchanged: number): Pick<Deployment, 'counts' | 'changes'> {
  const counts: Record<string, number> = {}
  for (const { action } of changes) counts[action] = (counts[action] ?? 0) + 1
  const still = unchanged + (counts.unchanged ?? 0)
  const told = changes.filter(({ action }) => action !== 'unchanged' && action !== 'skipped')
  return {
    counts: { ...counts, unchanged: still },
    changes: told.map(({ id, action, reason = '' }) => ({ id, action, reason })),
  }
}

/** The images that a manifest names, each once, in their order. */
export function imagesIn(manifest: string): string[] {
  const found = manifest.matchAll(/^[ \t-]*image:[ \t]*["']?([^\s"'#{}]+)["']?[ \t]*(?:#.*)?$/gm)
  return [...new Set([...found].map(([, image = '']) => image))]
}

/** Whether a record is about this: `namespace/name` or `name` of a source or release, or the ID of a workload. */
export function isAbout({ source, changes }: Pick<Deployment, 'source' | 'changes'>, what: string): boolean {
  if (what.includes(':')) return changes.some(({ id }) => id === what)
  return what === source.name || what === `${source.namespace}/${source.name}`
}
