import type { JobPayload, Outcome } from '../../domain/work/job.ts'
import { requestIdOf } from '../../domain/work/request.ts'
import { answerSinkRequest } from './answer-request.ts'
import { deliverAll } from './deliver-all.ts'
import type { DeliverEventDeps } from './deps.ts'

/**
 * Sends a sink what it has not got yet, in order, at least once each: where it stopped is written after each event. What the sink does
 * not take now is tried again with back-off, and what comes after it waits; an event that it refuses for good is left out.
 */
export async function deliverEvent(payload: JobPayload, deps: DeliverEventDeps, signal: AbortSignal): Promise<Outcome> {
  if (requestIdOf(payload.name) !== undefined) return await answerSinkRequest(payload, deps, signal)
  const sink = deps.sinks.find(({ name }) => name === payload.name)
  if (!sink) return { end: 'done', summary: 'no such sink (any more); nothing to do' }
  return await deliverAll(sink, deps, signal)
}
