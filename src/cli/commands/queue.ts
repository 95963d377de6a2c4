import type { JobChange } from '../../api/client.ts'
import type { Job, JobQuery } from '../../api/contract/job.ts'
import type { Action, OutputFormat } from '../context.ts'
import { exitCodes } from '../exit.ts'
import { ageOf, untilOf } from '../print/age.ts'
import { clean } from '../print/clean.ts'
import { printJson } from '../print/json.ts'
import type { Style } from '../print/style.ts'
import { printTable } from '../print/table.ts'

/** `capstan queue ls`. */
export const listJobs: Action<{ query: JobQuery; output: OutputFormat }> = async (context, { query, output }) => {
  const { out, style, now, signal } = context
  const list = await context.client().jobs(query, { signal })
  if (output === 'json') out.write(printJson(list))
  else if (list.jobs.length === 0) out.write('no jobs\n')
  else {
    const rows = list.jobs.map((job) => [
      clean(job.id),
      objectOf(job),
      stateWord(job, style),
      clean(job.lane),
      ageOf(job.requestedAt, now()),
      clean(whyOf(job, now())),
    ])
    out.write(printTable(['JOB', 'OBJECT', 'STATE', 'LANE', 'AGE', 'WHY'], rows))
  }
  return exitCodes.done
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
  if (job.state === 'failed') return job.failure ?? job.reason
  if (job.state === 'completed') return job.result ?? job.reason
  if (job.state === 'delayed') return `${untilOf(job.nextRunAt, now)}: ${job.waitsFor ?? job.failure ?? job.reason}`
  return job.reason
}
