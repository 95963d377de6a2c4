import type { Logger } from './logger.ts'

/** How far a job has come; `total` is 0 where nobody can tell how much there is. */
export type Progress = { step: string; done: number; total: number }

/** So that ten thousand objects are some hundred lines for those who log at debug. */
const tellEach = 25

/**
 * Begins a step of a job, and gives what is called as each of its `total` things is done. It goes the way of the log, at debug, so that it
 * finds the job that runs without being passed along: see main/job-log.ts.
 */
export function beginStep(log: Pick<Logger, 'debug'>, step: string, total = 0): () => void {
  let done = 0
  const tell = (): void => log.debug({ progress: { step, done, total } satisfies Progress }, 'a step of a job')
  tell()
  return () => {
    done++
    if (done % tellEach === 0 || done === total) tell()
  }
}

/** Progress out of what others stored; undefined for anything else. */
export function readProgress(value: unknown): Progress | undefined {
  const { step, done, total } = (value ?? {}) as Partial<Record<keyof Progress, unknown>>
  if (typeof step !== 'string' || !isCount(done) || !isCount(total)) return undefined
  return { step, done, total }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
