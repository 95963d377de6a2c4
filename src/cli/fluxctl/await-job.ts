import type { JobResult } from './api.ts'
import type { VerbContext } from './context.ts'
import { Failure, Timeout } from './failure.ts'
import { resultText } from './results.ts'

type Waiting = Pick<VerbContext, 'api' | 'timeoutMs' | 'now' | 'pause'>

/** Waits for the end of a job: asked after 100 ms, then at most every 5 s. Throws what the job failed with, or {@link Timeout}. */
export async function awaitJob(context: Waiting, id: string): Promise<JobResult> {
  const result = await backOff(context, { firstMs: 100, longestMs: 5000 }, async () => {
    const { StatusString, Err, Result } = await context.api.job(id)
    if (StatusString === 'failed' || (StatusString === 'succeeded' && Err !== '')) throw new JobFailed(Err, Result)
    return StatusString === 'succeeded' ? Result : undefined
  })
  return result
}

/** What a job failed with; it may tell a revision all the same. */
export class JobFailed extends Failure {
  readonly result: JobResult

  constructor(message: string, result: JobResult) {
    super(message)
    this.result = result
  }
}

/** Waits until a commit is applied. */
export async function awaitSync(context: Waiting, revision: string): Promise<void> {
  await backOff(context, { firstMs: 1000, longestMs: 10_000 }, async () => {
    const left = await context.api.notApplied(revision)
    return left.length === 0 ? true : undefined
  })
}

const jobTimeout = `
We timed out waiting for the result of the operation. This does not
necessarily mean it has failed. You can check the state of the
cluster, or commit logs, to see if there was a result. In general, it
is safe to retry operations.
`

const syncTimeout = `
The operation succeeded, but we timed out waiting for the commit to be
applied. This does not necessarily mean there is a problem. Use

    fluxctl sync

to run a sync interactively.
`

/** Waits for a job and prints what it did; with `apply` also until its commit is applied. */
export async function awaitAndPrint(context: VerbContext, id: string, { apply }: { apply: boolean }): Promise<void> {
  const { out, err, flags } = context
  const { result, revision = '' } = await awaitJob(context, id).catch((error: unknown) => {
    if (error instanceof Timeout) err.write(jobTimeout)
    throw error
  })
  if (result) out.write(resultText(result, flags.number('verbose')))
  if (revision !== '') err.write(`Commit pushed:\t${revision.slice(0, 7)}\n`)
  if (!result) {
    err.write('Nothing to do\n')
    return
  }
  if (!apply || revision === '') return
  try {
    await awaitSync(context, revision)
  } catch (error) {
    if (!(error instanceof Timeout)) throw error
    err.write(syncTimeout)
    return
  }
  err.write(`Commit applied:\t${revision.slice(0, 7)}\n`)
}

type Pace = { firstMs: number; longestMs: number }

/** Asks until there is an answer; each pause is twice the one before. */
async function backOff<T>(context: Waiting, pace: Pace, ask: () => Promise<T | undefined>): Promise<T> {
  const end = context.now() + context.timeoutMs
  for (let pauseMs = pace.firstMs; context.now() < end; pauseMs = Math.min(pauseMs * 2, pace.longestMs)) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (context.now() + pauseMs > end) break
    await context.pause(pauseMs)
  }
  throw new Timeout()
}
