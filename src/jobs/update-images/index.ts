import type { JobPayload, Outcome } from '../../domain/work/job.ts'
import { requestIdOf } from '../../domain/work/request.ts'
import { answerRequest } from './answer-request.ts'
import { updateAutomated } from './automated.ts'
import type { UpdateImagesDeps } from './deps.ts'

export type { UpdateImagesDeps } from './deps.ts'

/** Updates images in git: what policies choose, or what somebody asked for where the job names a request. */
export async function updateImages(payload: JobPayload, deps: UpdateImagesDeps, signal: AbortSignal): Promise<Outcome> {
  if (requestIdOf(payload.name) !== undefined) return await answerRequest(payload, deps, signal)
  const spec = deps.sources.get(payload.namespace, payload.name)
  return spec ? await updateAutomated(spec, deps, signal) : { end: 'done', summary: 'no such source; nothing to do' }
}
