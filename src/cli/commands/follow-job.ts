import { ApiRefusal } from '../../api/client.ts'
import type { Accepted, Job } from '../../api/contract/job.ts'
import { createBell, type OpenStream } from '../bell.ts'
import type { Context } from '../context.ts'
import { NotThere, TimedOut } from '../exit.ts'
import { mayPass } from '../may-pass.ts'
import { watchJob } from '../watch.ts'

/** When to give up, in Unix milliseconds, what for, and what is known by then of why it takes so long. */
export type Deadline = { at: number; waitingFor: string; why?: () => string }

const firstPauseMs = 100
const longestPauseMs = 1000
/** While the server tells what happens: for what it does not tell of. */
const quietMs = 5000

/**
 * Asks until there is an answer, each time that something happens on the stream, and now and then anyway; often where there is no stream.
 * A server that goes away meanwhile is waited for. Throws {@link TimedOut} past the deadline.
 */
export async function poll<T>(
  context: Context,
  deadline: Deadline,
  ask: () => Promise<T | undefined>,
  open?: OpenStream,
): Promise<T> {
  let bell: ReturnType<typeof createBell> | undefined
  context.progress.begin(deadline.waitingFor)
  try {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 1.5, longestPauseMs)) {
      const answer = bell ? await askAgain(context, ask) : await ask()
      if (answer !== undefined) return answer
      const leftMs = deadline.at - context.now()
      if (leftMs <= 0) throw timedOut(deadline)
      bell ??= createBell(context, open)
      await bell.next({ quietMs: Math.min(quietMs, leftMs), blindMs: Math.min(pauseMs, leftMs) })
    }
  } finally {
    bell?.close()
    context.progress.end()
  }
}

function timedOut({ waitingFor, why }: Deadline): TimedOut {
  const known = why?.() ?? ''
  return new TimedOut(`Timed out while waiting for ${waitingFor}${known && ` (${known})`}; it goes on without us.`)
}

async function askAgain<T>(context: Context, ask: () => Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (context.signal.aborted || !mayPass(error)) throw error
    context.progress.begin(`the server: ${(error as Error).message}`)
    return undefined
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

/** As {@link readJob}, where nothing else can say what became of the request: throws NotThere for a job that is lost. */
export async function readAsked(context: Context, id: string): Promise<Job> {
  const job = await readJob(context, id)
  if (job === 'lost')
    throw new NotThere('The server has forgotten the request (its job was cancelled, or Redis lost it); ask again.')
  return job
}

/** Waits for the end of a job that was asked for. */
export async function followAccepted(
  context: Context,
  { jobId, requestedAt }: Accepted,
  timeoutMs: number,
): Promise<{ isDone: boolean; job: Job }> {
  const deadline = { at: context.now() + timeoutMs, waitingFor: `job ${jobId}` }
  const ask = async () => {
    const job = await readAsked(context, jobId)
    const end = endOf(job, requestedAt)
    return end === 'running' ? undefined : { isDone: end === 'done', job }
  }
  return await poll(context, deadline, ask, watchJob(context, jobId))
}

/** How a job that was asked for stands. A failed try counts as the end, although it is tried again: the person is told now. */
export function endOf(job: Job, requestedAt: string): 'running' | 'done' | 'failed' {
  if (job.state === 'completed') return 'done'
  if (job.state === 'failed') return 'failed'
  const triedSince = Date.parse(job.startedAt ?? '') >= Date.parse(requestedAt)
  return job.state === 'delayed' && job.failure && triedSince ? 'failed' : 'running'
}
