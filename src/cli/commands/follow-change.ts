import type { Accepted } from '../../api/contract/job.ts'
import { nextJobOf } from '../../api/contract/next-job.ts'
import type { Context } from '../context.ts'
import { type ExitCode, exitCodes } from '../exit.ts'
import { clean } from '../print/clean.ts'
import { followAccepted } from './follow-job.ts'

/** Waits until a change of a source is written, and says so, with the job that syncs after it. */
export async function followChange(
  context: Context,
  accepted: Accepted,
  { done, timeoutMs }: { done: string; timeoutMs: number },
): Promise<ExitCode> {
  const { out, style } = context
  const { isDone, job } = await followAccepted(context, accepted, timeoutMs)
  const next = nextJobOf(job.result)
  if (isDone && next) {
    out.write(`${style.good(done)}; job ${clean(next)} follows\n`)
    return exitCodes.done
  }
  out.write(`${style.bad('failed')} ${clean((isDone ? job.result : job.failure) ?? '')}\n`)
  return exitCodes.failed
}
