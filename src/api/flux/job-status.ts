import { parseRevision } from '../../domain/source/revision.ts'
import type { Views } from '../../views/create-views.ts'
import type { AppOptions } from '../app-options.ts'
import { fetchedRevisionOf, nextJobOf } from '../contract/next-job.ts'
import { unknownJob } from './errors.ts'
import { type JobStatus, updateStatus } from './update-status.ts'

type JobView = NonNullable<Awaited<ReturnType<Views['job']>>>

/** How far a job is that fluxctl asked for. Throws for one that nobody knows (any more). */
export async function jobStatus(id: string, options: Pick<AppOptions, 'views' | 'requests'>): Promise<JobStatus> {
  const { views } = options
  const update = await updateStatus(id, options)
  if (update) return update
  const job = await views.job(id)
  if (!job) throw unknownJob(id)
  return job.kind === 'fetch-source' ? await syncStatus(job, views) : plainStatus(job)
}

/** A job by its own end alone. */
function plainStatus(job: JobView): JobStatus {
  if (job.failure !== undefined && (job.state === 'failed' || job.state === 'delayed')) return failed(job.failure)
  if (job.state === 'completed') return { Result: {}, Err: '', StatusString: 'succeeded' }
  return { Result: {}, Err: '', StatusString: job.state === 'active' ? 'running' : 'queued' }
}

/**
 * A sync is a fetch and the job that applies what it found. It has failed when objects failed (ruling 13), and its revision is never
 * left out where fluxctl would look for it (ruling 4).
 */
async function syncStatus(fetch: JobView, views: Views): Promise<JobStatus> {
  if (fetch.state !== 'completed') return plainStatus(fetch)
  const revision = parseRevision(fetchedRevisionOf(fetch.result) ?? '')?.commit
  if (revision === undefined) return failed(fetch.result ?? 'the fetch found no revision')
  const next = nextJobOf(fetch.result)
  const sync = next === undefined ? undefined : await views.job(next)
  if (sync?.state === 'waiting' || sync?.state === 'active') return { Result: {}, Err: '', StatusString: 'running' }
  if (sync?.failure !== undefined && sync.state !== 'completed') return failed(sync.failure, revision)
  return await judged(fetch, revision, views)
}

async function judged({ namespace, name }: JobView, revision: string, views: Views): Promise<JobStatus> {
  const source = await views.standing(namespace, name)
  if (!source) return failed(`there is no source ${namespace}/${name} any more`, revision)
  const { ready, reason, message } = source
  if (ready || reason === 'NotReady' || reason === 'NotHealthy')
    return { Result: { revision }, Err: '', StatusString: 'succeeded' }
  if (reason !== 'SignatureInvalid') return failed(message, revision)
  // fluxctl knows these words and makes a warning of them
  const verified = `The branch HEAD in the git repo is not verified, and Capstan is unable to sync to it. The last verified commit was ${revision.slice(0, 8)}.`
  return failed(`${verified} ${message}`, revision)
}

function failed(error: string, revision?: string): JobStatus {
  return { Result: revision === undefined ? {} : { revision }, Err: error, StatusString: 'failed' }
}
