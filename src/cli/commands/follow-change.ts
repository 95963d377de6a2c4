import type { Accepted } from '../../api/contract/job.ts'
import { nextJobOf } from '../../api/contract/next-job.ts'
import type { Context } from '../context.ts'
import { type ExitCode, exitCodes, NotThere } from '../exit.ts'
import { clean } from '../print/clean.ts'
import { endOf, poll, readJob } from './follow-job.ts'
import { watchJob } from '../watch.ts'

/** Waits until a change of a source is written, and says so, with the job that syncs after it. */
export async function followChange(
  context: Context,
  { jobId, requestedAt }: Accepted,
  { done, timeoutMs }: { done: string; timeoutMs: number },
): Promise<ExitCode> {
  const { out, style } = context
  const deadline = { at: context.now() + timeoutMs, waitingFor: `job ${jobId}` }
  return await poll(
    context,
    deadline,
    async () => {
      const job = await readJob(context, jobId)
      if (job === 'lost') throw new NotThere('The server has forgotten the request (Redis lost it); ask again.')
      const end = endOf(job, requestedAt)
      if (end === 'running') return undefined
      const next = nextJobOf(job.result)
      if (end === 'done' && next) {
        out.write(`${style.good(done)}; job ${clean(next)} follows\n`)
        return exitCodes.done
      }
      out.write(`${style.bad('failed')} ${clean((end === 'done' ? job.result : job.failure) ?? '')}\n`)
      return exitCodes.failed
    },
    watchJob(context, jobId),
  )
}
