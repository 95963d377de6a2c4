import type { Store } from '../adapters/store/index.ts'
import type { Event } from '../domain/event/event.ts'
import { isWanted } from '../domain/event/filter.ts'
import type { Sink } from '../domain/event/sink.ts'
import { freshState } from '../domain/event/sink-state.ts'
import { eventStream } from '../domain/event/stored.ts'
import type { Enqueue } from '../domain/work/job.ts'
import type { Logger } from '../lib/logger.ts'
import { readState, takeUpReplay, writeState } from './sink-state.ts'

type Parts = { sinks: readonly Sink[]; namespace: string; enqueue: Enqueue }

/** Asks for a delivery to each sink that wants one of these events. Never throws: one that cannot be asked for costs the others nothing. */
export async function notifySinks(
  events: readonly Event[],
  { sinks, namespace, enqueue, log }: Parts & { log: Logger },
): Promise<void> {
  for (const { name, filter } of sinks)
    if (events.some((event) => isWanted(event, filter)))
      await enqueue(deliveryTo(name, namespace)).catch((error: unknown) =>
        log.warn({ sink: name, error: String(error) }, 'the sink could not be told; it gets this with what comes next'),
      )
}

/**
 * A sink that is new begins with what happens from now on; one that is known gets what happened while nobody worked. Called at the
 * start of a process.
 */
export async function startSinks(
  { sinks, namespace, enqueue }: Parts,
  store: Pick<Store, 'append' | 'page'>,
): Promise<void> {
  for (const { name } of sinks) {
    const [newest] = await store.page(eventStream, { order: 'newest', limit: 1 })
    if (await readState(name, store)) await enqueue(deliveryTo(name, namespace))
    else await writeState(name, { ...freshState, cursor: newest?.id ?? '' }, store)
  }
}

/**
 * The sinks that have not got all there is for them: their jobs may be lost. One of which nothing is known is not among them, since it begins
 * with what happens from now on. Throws RedisUnavailable.
 */
export async function owedSinks(sinks: readonly Sink[], store: Pick<Store, 'page'>): Promise<string[]> {
  const [newest] = await store.page(eventStream, { order: 'newest', limit: 1 })
  const owed: string[] = []
  for (const { name } of sinks) {
    const state = await readState(name, store)
    if (state && newest && (await takeUpReplay(name, state, store)).cursor !== newest.id) owed.push(name)
  }
  return owed
}

/** In the last lane, so that a sink in trouble is left to its back-off. */
function deliveryTo(name: string, namespace: string): Parameters<Enqueue>[0] {
  return { kind: 'deliver-event', namespace, name, reason: 'event', lane: 'periodic' }
}
