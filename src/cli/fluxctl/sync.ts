import { clean } from '../print/clean.ts'
import type { GitConfig, JobResult } from './api.ts'
import { awaitJob, awaitSync, JobFailed } from './await-job.ts'
import type { Verb, VerbContext } from './context.ts'
import { Failure } from './failure.ts'

/** `fluxctl sync`. */
export const sync: Verb = async (context) => {
  const { words, api, err } = context
  if (words.length > 0) throw new Failure('expected no (non-flag) arguments')
  const git = await api.gitConfig(false)
  needReady(git)
  err.write(`Synchronizing with ${clean(git.remote.url)}\n`)
  const id = await api.update({ type: 'sync', cause: { Message: '', User: '' }, spec: {} })
  const { revision = '' } = await resultOf(context, id)
  const short = revision.slice(0, 7)
  err.write(`Revision of ${clean(git.remote.branch)} to apply is ${short}\nWaiting for ${short} to be applied ...\n`)
  await awaitSync(context, short)
  err.write('Done.\n')
}

function needReady({ status, remote, errors }: GitConfig): void {
  if (status === 'ready') return
  if (status === 'unconfigured') throw new Failure('no git repository is configured')
  const what =
    status === 'unreachable'
      ? `can not connect to git repository with URL ${remote.url}`
      : `git repository ${remote.url} is not ready to sync`
  throw new Failure(errors === '' && status !== 'unreachable' ? what : `${what}\n\nFull error message: ${errors}`)
}

/** A head that is not verified is a warning: the last verified commit is applied. */
async function resultOf(context: VerbContext, id: string): Promise<JobResult> {
  try {
    return await awaitJob(context, id)
  } catch (error) {
    const isUnverified = /branch HEAD in the git repo is not verified[^]*last verified commit was/
    if (error instanceof JobFailed && isUnverified.test(error.message)) {
      context.err.write(`Warning: ${clean(error.message)}\n`)
      return error.result
    }
    context.err.write(`Failed to complete sync job (ID ${JSON.stringify(id)})\n`)
    throw error
  }
}
