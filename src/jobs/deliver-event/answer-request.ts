import { AppError, toAppError } from '../../domain/error.ts'
import { makeEvent, type StoredEvent } from '../../domain/event/event.ts'
import type { Sink } from '../../domain/event/sink.ts'
import type { JobPayload, Outcome } from '../../domain/work/job.ts'
import type { Request } from '../../domain/work/request.ts'
import { askForReplay } from '../sink-state.ts'
import type { DeliverEventDeps } from './deps.ts'

/** Answers a request to try a sink, or to send it the past again. */
export async function answerSinkRequest(
  payload: JobPayload,
  deps: DeliverEventDeps,
  signal: AbortSignal,
): Promise<Outcome> {
  const { request, problem } = await deps.requests.read(payload)
  if (request?.ask.kind !== 'deliver-event') return { end: 'done', summary: problem ?? 'it is not for this job' }
  const { ask, name } = request
  const sink = deps.sinks.find((one) => one.name === name)
  if (!sink) {
    await deps.requests.end(request)
    throw new AppError('SinkRefused', `there is no sink ${name} (any more)`, { retry: 'never' })
  }
  if (ask.change === 'test') return await test(sink, request, deps, signal)
  return await replay(request, ask.since, deps)
}

/** Sends nothing itself: two that send the same sink its events would send some twice. */
async function replay(request: Request, since: string, deps: DeliverEventDeps): Promise<Outcome> {
  const { namespace, name, by } = request
  await askForReplay(name, new Date(since), deps.store)
  await deps.enqueue({ kind: 'deliver-event', namespace, name, reason: `requested by ${by}`, lane: 'person' })
  await deps.requests.end(request)
  return { end: 'done', summary: `sink ${name} gets everything since ${since} again; how it goes: capstan sink ls` }
}

/** Tried once: whoever asked is told. */
async function test(sink: Sink, request: Request, deps: DeliverEventDeps, signal: AbortSignal): Promise<Outcome> {
  const { namespace, name, by } = request
  const at = deps.now().toISOString()
  const event: StoredEvent = {
    id: `${deps.now().getTime()}-0`,
    ...makeEvent({
      type: 'test',
      metadata: { user: by },
      source: { kind: 'sink', namespace, name },
      startedAt: at,
      endedAt: at,
      message: `${by} tries this sink: all is well`,
    }),
  }
  await deps.requests.end(request)
  try {
    await deps.deliver(event, deps.open(sink), signal)
    return { end: 'done', summary: `sink ${name} took a test` }
  } catch (error) {
    signal.throwIfAborted()
    const { reason, message } = toAppError(error)
    throw new AppError(reason, message, { retry: 'never', cause: error })
  }
}
