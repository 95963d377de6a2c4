import type { ImageAnswer } from '../../domain/image/answer.ts'
import { isAncestral, parseRef } from '../../domain/image/ref.ts'
import { parseId } from '../../domain/manifest/object-id.ts'
import { type Request, requestJobName } from '../../domain/work/request.ts'
import type { UpdateResult, UpdateSpec, WorkloadResult } from '../../domain/work/update-spec.ts'
import type { AppOptions } from '../app-options.ts'

/** A job with Go's names of fields (flux-v1 §21, §23). */
export type JobStatus = {
  Result: { revision?: string; spec?: UpdateSpec; result?: UpdateResult }
  /** What the user reads. */
  Err: string
  StatusString: 'queued' | 'running' | 'succeeded' | 'failed'
}

/** Jobs of people among which that of a request is looked for. */
const mostJobs = 100

/** How far a change of git is that was asked for; undefined for what is no such request (any more). */
export async function updateStatus(
  id: string,
  { requests, views }: Pick<AppOptions, 'requests' | 'views'>,
): Promise<JobStatus | undefined> {
  const [request, answer] = await Promise.all([requests.find(id), requests.answer(id)])
  if (!request || !answer || !('update' in request.ask)) return undefined
  const { update } = request.ask
  if (answer.state === 'done') return doneStatus(answer, update)
  const error = await failureOf(answer, request, views)
  if (error !== '') return { Result: { spec: update }, Err: error, StatusString: 'failed' }
  return { Result: { spec: update }, Err: '', StatusString: answer.state === 'running' ? 'running' : 'queued' }
}

/**
 * Nothing to do is a success, and the result says why (complaint #1882); but where all that could be done has failed, fluxctl is to
 * end with an error.
 */
function doneStatus({ revision, result: found }: ImageAnswer, update: UpdateSpec): JobStatus {
  const result = readable(found)
  const Result = {
    ...(revision === '' ? {} : { revision }),
    spec: update,
    ...(Object.keys(result).length > 0 ? { result } : {}),
  }
  const isDryRun = update.type !== 'policy' && update.spec.Kind === 'plan'
  const error = revision === '' && !isDryRun ? errorOf(result) : ''
  return { Result, Err: error, StatusString: error === '' ? 'succeeded' : 'failed' }
}

/** fluxctl ends with a panic at an ID that it cannot read (#2933), and with an error at an image. */
function readable(result: UpdateResult): UpdateResult {
  const rows = Object.entries(result).filter(([id]) => parseId(id))
  return Object.fromEntries(rows.map(([id, one]) => [id, withReadableImages(one)]))
}

/** What became of an image that it cannot read is told in words, as it would print them itself. */
function withReadableImages({ PerContainer = [], Error: error = '', ...rest }: WorkloadResult): WorkloadResult {
  const [told, untold] = [PerContainer.filter(isReadable), PerContainer.filter((one) => !isReadable(one))]
  const words = untold.map(({ Container, Current, Target }) => `${Container}: ${Current} -> ${tagOf(Target)}`)
  const why = [error, ...words].filter((one) => one !== '').join('; ')
  return { ...rest, ...(why === '' ? {} : { Error: why }), ...(told.length > 0 ? { PerContainer: told } : {}) }
}

function isReadable({ Current, Target }: { Current: string; Target: string }): boolean {
  return isAncestral(Current) && isAncestral(Target)
}

function tagOf(image: string): string {
  return parseRef(image)?.tag ?? image
}

/** In fluxd's words; empty where nothing failed. */
function errorOf(result: UpdateResult): string {
  const failed = Object.entries(result).filter(([, { Status }]) => Status === 'failed')
  const [first] = failed
  if (!first) return ''
  if (failed.length === 1) return `${first[0]} failed: ${first[1].Error ?? 'for no known reason'}`
  return `Multiple workloads failed: ${failed.map(([id]) => id).join(', ')}`
}

/** Why it failed, or failed so far; also where its job was cancelled, or died, and left no answer. Empty while it goes on. */
async function failureOf(
  { state, reason, message }: ImageAnswer,
  request: Request,
  views: AppOptions['views'],
): Promise<string> {
  if (state === 'failed') return message
  if (reason !== '') return `${message} (it is tried again by itself)`
  const jobs = await views.jobs({ kinds: ['update-images'], states: ['failed'], limit: mostJobs })
  return jobs.find(({ name }) => name === requestJobName(request))?.failure ?? ''
}
