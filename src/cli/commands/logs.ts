import { ApiRefusal } from '../../api/client.ts'
import type { Job } from '../../api/contract/job.ts'
import type { Action, Context, OutputFormat } from '../context.ts'
import { exitCodes, NotThere } from '../exit.ts'
import { tookOf } from '../print/age.ts'
import { cleanLine } from '../print/clean.ts'
import { printJsonLine } from '../print/json.ts'
import { readJob } from './follow-job.ts'

export type LogsOptions = { id: string; follow: boolean; output: OutputFormat }

const pauseMs = 500

/**
 * `capstan logs`: what was written while a job ran. With `follow` goes on until it has ended: exit 1 when it failed. A line is
 * `<time> <words>`; as JSON it is `{at, text}`.
 */
export const showLogs: Action<LogsOptions> = async (context, { id, follow, output }) => {
  let from = 0
  for (;;) {
    const job = await readJob(context, id)
    const { lines, next } = await readLog(context, id, from)
    for (const line of lines) context.out.write(printed(line, output, context))
    from = next
    // more may be there already
    if (lines.length > 0) continue
    if (!follow) return exitCodes.done
    if (job === 'lost') throw new NotThere(`The job ${id} is gone.`)
    if (job.state === 'completed' || job.state === 'failed') {
      context.err.write(`${job.state} after ${timingOf(job, context)}\n`)
      return job.state === 'failed' ? exitCodes.failed : exitCodes.done
    }
    await context.pause(pauseMs)
  }
}

async function readLog(context: Context, id: string, from: number) {
  try {
    return await context.client().jobLog(id, from, { signal: context.signal })
  } catch (error) {
    // a request that joined a job is known by that job's log alone
    if (from > 0 && error instanceof ApiRefusal && error.problem.status === 404) return { lines: [], next: from }
    throw error
  }
}

function printed(line: string, output: OutputFormat, { style }: Context): string {
  const [, at = '', text = line] = /^(\S+Z) ([^]*)$/.exec(line) ?? []
  if (output === 'json') return printJsonLine({ at, text })
  const paint = /^(?:failed|error)\b/.test(text) ? style.bad : /^warn\b/.test(text) ? style.warn : (one: string) => one
  return `${style.faint(cleanLine(at))} ${paint(cleanLine(text))}\n`
}

function timingOf(job: Job, { now }: Context): string {
  return `${tookOf(job.startedAt, job.finishedAt, now())}, try ${job.attempts}`
}
