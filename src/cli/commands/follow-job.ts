import { ApiRefusal } from '../../api/client.ts'
import type { Job } from '../../api/contract/job.ts'
import type { Context } from '../context.ts'
import { TimedOut } from '../exit.ts'

/** When to give up, in Unix milliseconds, and what for. */
export type Deadline = { at: number; waitingFor: string }

const firstPauseMs = 100
const longestPauseMs = 1000

/** Asks again and again, first often, until there is an answer; throws {@link TimedOut} past the deadline. */
export async function poll<T>(context: Context, deadline: Deadline, ask: () => Promise<T | undefined>): Promise<T> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 1.5, longestPauseMs)) {
    const answer = await ask()
    if (answer !== undefined) return answer
    const leftMs = deadline.at - context.now()
    if (leftMs <= 0) throw new TimedOut(`Timed out while waiting for ${deadline.waitingFor}; it goes on without us.`)
    await context.pause(Math.min(pauseMs, leftMs))
  }
}

/** The job; `lost` when the server does not know it (any more). */
export async function readJob(context: Context, id: string): Promise<Job | 'lost'> {
  try {
    return await context.client().job(id, { signal: context.signal })
  } catch (error) {
    if (error instanceof ApiRefusal && error.problem.status === 404) return 'lost'
    throw error
  }
}

/** How a job that was asked for stands. A failed try counts as the end, although it is tried again: the person is told now. */
export function endOf(job: Job, requestedAt: string): 'running' | 'done' | 'failed' {
  if (job.state === 'completed') return 'done'
  if (job.state === 'failed') return 'failed'
  const triedSince = Date.parse(job.startedAt ?? '') >= Date.parse(requestedAt)
  return job.state === 'delayed' && job.failure && triedSince ? 'failed' : 'running'
}
