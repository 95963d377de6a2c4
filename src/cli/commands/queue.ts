import type { JobChange } from '../../api/client.ts'
import type { Job, JobQuery } from '../../api/contract/job.ts'
import type { Action, Context, OutputFormat } from '../context.ts'
import { exitCodes } from '../exit.ts'
import { ageOf, tookOf, untilOf } from '../print/age.ts'
import { clean } from '../print/clean.ts'
import { printJson } from '../print/json.ts'
import { type ListOptions, showListing } from '../print/listing.ts'
import { progressWords } from '../print/progress.ts'
import type { Style } from '../print/style.ts'
import { printTable } from '../print/table.ts'
import { allPages } from './all-pages.ts'

const usualLimit = 50

/** `capstan queue ls`. */
export const listJobs: Action<ListOptions & { query: JobQuery }> = async (context, { query, ...options }) =>
  await showListing(context, options, async () => {
    const { limit = usualLimit, ...filter } = query
    let next = ''
    const jobs = await allPages(limit, async (range) => {
      const page = await context.client().jobs({ ...filter, ...range }, { signal: context.signal })
      next = page.next
      return { items: page.jobs, next }
    })
    return {
      data: { jobs, next },
      names: jobs.map(({ id }) => id),
      table: (wide) => (jobs.length === 0 ? 'no jobs\n' : jobTable(jobs, context, wide)),
      code: exitCodes.done,
    }
  })

function jobTable(jobs: readonly Job[], { style, now }: Context, wide: boolean): string {
  const rows = jobs.map((job) => [
    clean(job.id),
    objectOf(job),
    stateWord(job, style),
    clean(job.lane),
    ageOf(job.requestedAt, now()),
    ...(wide ? wideCells(job, now()) : []),
    clean(whyOf(job, now())),
  ])
  const more = wide ? ['TRIES', 'NEXT TRY', 'TOOK', 'WORKER', 'REASON'] : []
  return printTable(['JOB', 'OBJECT', 'STATE', 'LANE', 'AGE', ...more, 'WHY'], rows)
}

function wideCells({ attempts, nextRunAt, startedAt, finishedAt, worker, reason }: Job, now: number): string[] {
  return [
    String(attempts),
    untilOf(nextRunAt, now),
    tookOf(startedAt, finishedAt, now),
    clean(worker ?? '') || '-',
    clean(reason),
  ]
}

/** `capstan queue show`. */
export const showJob: Action<{ id: string; output: OutputFormat }> = async (context, { id, output }) => {
  const { out, style, now, signal } = context
  const job = await context.client().job(id, { signal })
  if (output === 'json') out.write(printJson(job))
  else {
    const time = (at: string | undefined): string => (at ? `${clean(at)} (${ageOf(at, now())} ago)` : '')
    const facts: [string, string][] = [
      ['job', clean(job.id)],
      ['kind', job.kind],
      ['object', objectOf(job)],
      ['state', stateWord(job, style)],
      ['lane', clean(job.lane)],
      ['reason', clean(job.reason)],
      ['tries', String(job.attempts)],
      ['requested', time(job.requestedAt)],
      ['started', time(job.startedAt)],
      ['finished', time(job.finishedAt)],
      ['next run', job.nextRunAt ? `${clean(job.nextRunAt)} (${untilOf(job.nextRunAt, now())})` : ''],
      ['progress', job.progress ? progressWords(job.progress) : ''],
      ['waits for', clean(job.waitsFor ?? '')],
      ['failure', clean(job.failure ?? '')],
      ['result', clean(job.result ?? '')],
      ['worker', clean(job.worker ?? '')],
    ]
    out.write(
      facts
        .filter(([, value]) => value !== '')
        .map(([name, value]) => `${name.padEnd(11)}${value}\n`)
        .join(''),
    )
  }
  return exitCodes.done
}

const pastOf: Record<JobChange, string> = { retry: 'asked for again', cancel: 'cancelled', promote: 'runs next' }

/** `capstan queue retry|cancel|promote`: each job in turn; the first that cannot be changed ends it. */
export const changeJobs: Action<{ ids: readonly string[]; change: JobChange }> = async (context, { ids, change }) => {
  for (const id of ids) {
    const { jobId } = await context.client().changeJob(id, change, { by: context.user }, { signal: context.signal })
    context.out.write(`${clean(jobId)} ${pastOf[change]}\n`)
  }
  return exitCodes.done
}

function objectOf({ namespace, name }: Job): string {
  return clean(namespace ? `${namespace}/${name}` : name)
}

function stateWord({ state }: Job, style: Style): string {
  if (state === 'failed') return style.bad(state)
  if (state === 'completed') return style.good(state)
  return state === 'delayed' ? style.warn(state) : state
}

/** What a person wants to know first about a job in this state. */
function whyOf(job: Job, now: number): string {
  if (job.state === 'active' && job.progress) return progressWords(job.progress)
  if (job.state === 'failed') return job.failure ?? job.reason
  if (job.state === 'completed') return job.result ?? job.reason
  if (job.state === 'delayed') return `${untilOf(job.nextRunAt, now)}: ${job.waitsFor ?? job.failure ?? job.reason}`
  return job.reason
}
