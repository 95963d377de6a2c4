import { toAppError } from '../../domain/error.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import type { JobPayload, Outcome } from '../../domain/work/job.ts'
import { requestIdOf } from '../../domain/work/request.ts'
import { tellStep } from '../tell-step.ts'
import { answerRequest } from './answer-request.ts'
import { updateAutomated } from './automated.ts'
import type { UpdateImagesDeps } from './deps.ts'

export type { UpdateImagesDeps } from './deps.ts'

/** Several new images make one commit: while registries are scanned an update waits, but no longer than this since it was asked for. */
const longestWaitMs = 10_000
const againMs = 200

/** Updates images in git: what policies choose, or what somebody asked for where the job names a request. */
export async function updateImages(payload: JobPayload, deps: UpdateImagesDeps, signal: AbortSignal): Promise<Outcome> {
  if (requestIdOf(payload.name) !== undefined) return await answerRequest(payload, deps, signal)
  const spec = deps.sources.get(payload.namespace, payload.name)
  if (spec && (await isEarly(payload, deps)))
    return { end: 'again', afterMs: againMs, why: 'registries are being scanned' }
  return spec ? await updateAndTell(spec, deps, signal) : { end: 'done', summary: 'no such source; nothing to do' }
}

async function isEarly({ requestedAt }: JobPayload, { scansLeft, now }: UpdateImagesDeps): Promise<boolean> {
  if (!scansLeft || now().getTime() - Date.parse(requestedAt) > longestWaitMs) return false
  return (await scansLeft()) > 0
}

/** Nobody waits for an automated update, so that a failure of it is told. */
async function updateAndTell(spec: SourceSpec, deps: UpdateImagesDeps, signal: AbortSignal): Promise<Outcome> {
  const step = { step: 'images', commit: '' } as const
  try {
    const outcome = await updateAutomated(spec, deps, signal)
    await tellStep(spec, { ...step, reason: '', message: '' }, deps)
    return outcome
  } catch (error) {
    const { reason, message } = toAppError(error)
    if (!signal.aborted) await tellStep(spec, { ...step, reason, message }, deps)
    throw error
  }
}
