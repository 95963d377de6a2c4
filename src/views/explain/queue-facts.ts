import type { JobView } from '../../adapters/queue/index.ts'
import type { Updates } from '../../domain/explain/update-step.ts'
import type { JobKind } from '../../domain/work/job.ts'
import type { ViewsOptions } from '../views-options.ts'

type Named = { namespace: string; name: string }

/** What the queue knows about objects; while Redis is away it knows nothing, and never throws. */
export type QueueFacts = {
  isUp(): boolean
  /** The job of an object that waits, runs or is tried again. */
  jobOf(kind: JobKind, object: Named): Promise<JobView | undefined>
  /** The commits to a source. */
  updatesOf(source: Named): Promise<Updates>
}

/** Jobs that are looked at; each source has few. */
const mostJobs = 200
/** What keeps the commit of a person's request from landing; whatever else fails in such a job is told to that person alone. */
const commitFailure = /^(?:GitConflict|GitPushRefused|SigningFailed): /

export function createQueueFacts(queue: Pick<ViewsOptions['queue'], 'of' | 'list' | 'isUp'>): QueueFacts {
  async function orNone<T>(read: () => Promise<T>, none: T): Promise<T> {
    try {
      return queue.isUp() ? await read() : none
    } catch {
      return none
    }
  }
  return {
    isUp: () => queue.isUp(),
    jobOf: async (kind, { namespace, name }) => await orNone(() => queue.of({ kind, namespace, name }), undefined),
    async updatesOf(source) {
      const jobs = await orNone(() => queue.list({ kinds: ['update-images'], limit: mostJobs }), [])
      return updatesIn(jobs, source)
    },
  }
}

function updatesIn(jobs: readonly JobView[], { namespace, name }: Named): Updates {
  const isEnded = ({ state }: JobView): boolean => state === 'completed' || state === 'failed'
  const ours = jobs.filter((job) => job.namespace === namespace && job.name === name)
  const asked = jobs.find(
    (job) =>
      job.namespace === namespace &&
      job.name.startsWith(`${name}@`) &&
      commitFailure.test(job.failure ?? '') &&
      !isEnded(job),
  )
  return { update: asked ?? ours.find((job) => !isEnded(job)), updated: ours.find(isEnded) }
}
