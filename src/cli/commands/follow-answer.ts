import type { AnswerAccepted, ImageAnswer } from '../../api/contract/image.ts'
import type { Context } from '../context.ts'
import { clean } from '../print/clean.ts'
import { poll, readAsked } from './follow-job.ts'
import { watchJob } from '../watch.ts'

/**
 * Waits for the answer to a request about images; throws {@link Failed} when there will be none. What failed and is tried again by itself
 * is told at once, and again with the end of the time.
 */
export async function followAnswer(
  context: Context,
  { job, answer: id }: AnswerAccepted,
  { timeoutMs, waitingFor }: { timeoutMs: number; waitingFor: string },
): Promise<ImageAnswer> {
  let failure = ''
  const why = () => failure
  const deadline = { at: context.now() + timeoutMs, waitingFor: `${waitingFor} (job ${clean(job)})`, why }
  return await poll(
    context,
    deadline,
    async () => {
      const answer = await context.client().answer(id, { signal: context.signal })
      if (answer.state === 'done') return answer
      const told = answer.reason === '' ? '' : `${clean(answer.reason)}: ${clean(answer.message)}`
      if (answer.state === 'failed') throw new Failed(told)
      if (told !== '' && told !== failure) context.err.write(`${told}; it is tried again by itself\n`)
      failure = told || failure
      const found = await readAsked(context, job)
      if (found.state === 'failed') throw new Failed(clean(found.failure ?? 'its job was stopped'))
      return undefined
    },
    watchJob(context, job),
  )
}

/** The server says why it did not do what was asked for. */
export class Failed extends Error {
  override readonly name = 'Failed'
}
