import type { Views } from '../views/create-views.ts'
import type { JobList, JobQuery } from './contract/job.ts'
import { problem, Refusal } from './problem.ts'

const usualLimit = 50
/** Jobs that one request looks at: with a filter that fits few the page is short, and the list ends. */
const mostLookedAt = 5_000

/**
 * A page of the queue, in its own order. Jobs move from state to state while somebody reads, so the cursor names the last one that was
 * given and its place: a list goes on after that one, or where it stood.
 */
export async function jobPage(query: JobQuery, views: Pick<Views, 'jobs'>): Promise<JobList> {
  const { kind, state, namespace, name = '', lane, limit = usualLimit, cursor = '' } = query
  const isFiltered = namespace !== undefined || name !== '' || lane !== undefined
  const { id, place } = readCursor(cursor)
  const jobs = await views.jobs({
    limit: isFiltered ? mostLookedAt : Math.min(mostLookedAt, place + 2 * limit + 1),
    ...(kind ? { kinds: kind } : {}),
    ...(state ? { states: state } : {}),
  })
  const wanted = jobs.filter(
    (job) =>
      (!namespace || namespace.includes(job.namespace)) && job.name.includes(name) && (!lane || job.lane === lane),
  )
  const last = id === '' ? -1 : wanted.findIndex((job) => job.id === id)
  const from = last >= 0 ? last + 1 : place
  const page = wanted.slice(from, from + limit)
  const isMore = wanted.length > from + page.length
  return { jobs: page, next: isMore ? `${from + page.length}.${page.at(-1)?.id ?? ''}` : '' }
}

function readCursor(cursor: string): { id: string; place: number } {
  if (cursor === '') return { id: '', place: 0 }
  const [, place = '', id = ''] = /^(\d{1,6})\.(.+)$/s.exec(cursor) ?? []
  if (id !== '') return { id, place: Number(place) }
  throw new Refusal(problem('InvalidRequest', 'The cursor is none of ours. Take it from `next` of the page before.'))
}
