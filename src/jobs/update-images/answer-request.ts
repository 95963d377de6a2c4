import { AppError, toAppError } from '../../domain/error.ts'
import { emptyAnswer, type ImageAnswer } from '../../domain/image/answer.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import type { JobPayload, Outcome } from '../../domain/work/job.ts'
import type { Request } from '../../domain/work/request.ts'
import type { UpdateResult } from '../../domain/work/update-spec.ts'
import { listImages, testPolicy } from './list-images.ts'
import type { UpdateImagesDeps } from './deps.ts'
import { measureRelease } from './released.ts'
import { runUpdate } from './run-update.ts'

/**
 * Answers what somebody asked about images: a release, a change of policies, or why which tags are chosen. The answer lies in Redis as
 * long as the request. What passes by itself is tried again; what does not is told, and not tried again: whoever asked decides.
 */
export async function answerRequest(
  payload: JobPayload,
  deps: UpdateImagesDeps,
  signal: AbortSignal,
): Promise<Outcome> {
  const { request, problem } = await deps.requests.read(payload)
  if (!request) return { end: 'done', summary: problem }
  const begun = emptyAnswer(request, 'running')
  await deps.requests.putAnswer(begun)
  try {
    const spec = deps.sources.get(request.namespace, request.name)
    if (!spec)
      throw new AppError('Unconfigured', `There is no source ${request.namespace}/${request.name} (any more).`, {
        retry: 'never',
      })
    const found = await answer(spec, request, deps, signal)
    await deps.requests.putAnswer({ ...begun, ...found, state: 'done', finishedAt: deps.now().toISOString() })
    await deps.requests.end(request)
    return { end: 'done', summary: summaryOf(found) }
  } catch (error) {
    if (signal.aborted) throw error
    throw await tellFailure(begun, { request, error }, deps)
  }
}

type Found = Partial<Pick<ImageAnswer, 'revision' | 'message' | 'result' | 'images'>>

async function answer(spec: SourceSpec, request: Request, deps: UpdateImagesDeps, signal: AbortSignal): Promise<Found> {
  const { ask, id } = request
  if (ask.kind !== 'update-images') return { message: 'it is not for this job' }
  if ('list' in ask) return { images: await listImages(spec, ask.list, deps, signal) }
  if ('test' in ask) return { images: await testPolicy(spec, ask.test, deps, signal) }
  const { update } = ask
  return await measureRelease(update, deps, () => runUpdate(spec, { jobId: id, update }, deps, signal))
}

/** A failure that passes by itself is shown, but the request stays open for the next try. */
async function tellFailure(
  begun: ImageAnswer,
  { request, error }: { request: Request; error: unknown },
  { requests, now }: UpdateImagesDeps,
): Promise<unknown> {
  const { reason, message, retry } = toAppError(error)
  // the text of a bug may hold anything; the log has it, as the cause
  const told = reason === 'InternalError' ? 'Something went wrong; the log says what.' : message
  if (retry !== 'never') {
    await requests.putAnswer({ ...begun, reason, message: told })
    return error
  }
  await requests.putAnswer({ ...begun, state: 'failed', reason, message: told, finishedAt: now().toISOString() })
  await requests.end(request)
  return new AppError(reason, told, { retry: 'never', cause: error })
}

function summaryOf({ revision = '', message = '', result = {}, images = [] }: Found): string {
  if (images.length > 0) return `${images.length} workloads`
  const made = revision === '' ? 'no commit' : `commit ${revision.slice(0, 12)}`
  return [made, countsOf(result), message].filter(Boolean).join('; ')
}

function countsOf(result: UpdateResult): string {
  const byStatus = Map.groupBy(Object.values(result), ({ Status }) => Status)
  return [...byStatus].map(([status, some]) => `${some.length} ${status}`).join(', ')
}
