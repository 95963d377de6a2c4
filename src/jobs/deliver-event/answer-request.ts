import { AppError, toAppError } from '../../domain/error.ts'
import { makeEvent, type StoredEvent } from '../../domain/event/event.ts'
import type { Sink } from '../../domain/event/sink.ts'
import { freshState } from '../../domain/event/sink-state.ts'
import { eventStream } from '../../domain/event/stored.ts'
import type { JobPayload, Outcome } from '../../domain/work/job.ts'
import type { Request } from '../../domain/work/request.ts'
import { readState, writeState } from '../sink-state.ts'
import { deliverAll } from './deliver-all.ts'
import type { DeliverEventDeps } from './deps.ts'

type Ask = Extract<Request['ask'], { kind: 'deliver-event' }>

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
  await rewind(sink, ask, deps)
  await deps.requests.end(request)
  return await deliverAll(sink, deps, signal)
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

async function rewind(
  sink: Sink,
  { since }: Extract<Ask, { change: 'replay' }>,
  deps: DeliverEventDeps,
): Promise<void> {
  const state = (await readState(sink.name, deps.store)) ?? freshState
  const [newest] = await deps.store.page(eventStream, { order: 'newest', limit: 1 })
  const cursor = `${Math.max(0, Date.parse(since) || 0)}-0`
  await writeState(sink.name, { ...state, cursor, replayUntil: newest?.id ?? '' }, deps.store)
}
