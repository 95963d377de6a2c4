import type { Store } from '../adapters/store/index.ts'
import { AppError } from '../domain/error.ts'
import { readSinkState, replayStream, type SinkState, sinkStream } from '../domain/event/sink-state.ts'
import { entryId, eventStream } from '../domain/event/stored.ts'

/** How far a sink is; undefined for one that nothing is known of. Throws RedisUnavailable. */
export async function readState(name: string, store: Pick<Store, 'page'>): Promise<SinkState | undefined> {
  const [newest] = await store.page(sinkStream(name), { order: 'newest', limit: 1 })
  return readSinkState(newest?.entry.json)
}

/** Lost without Redis: what was sent since is then sent again. */
export async function writeState(name: string, state: SinkState, store: Pick<Store, 'append'>): Promise<void> {
  await store.append(sinkStream(name), { json: JSON.stringify(state) }, { maxLength: 1 })
}

/** Keeps the wish that a sink gets everything since then again; its next delivery takes it up. Throws RedisUnavailable. */
export async function askForReplay(name: string, since: Date, store: Pick<Store, 'append'>): Promise<void> {
  const cursor = `${Math.max(0, since.getTime() || 0)}-0`
  const id = await store.append(replayStream(name), { cursor }, { maxLength: 1 })
  if (id === undefined) throw new AppError('RedisUnavailable', 'Redis did not keep it; nothing is sent again.')
}

/**
 * The state with a wish for a replay taken up, where there is one that was not yet: back at where it begins. Once that state is written
 * the wish is fulfilled; until then it stands. Throws RedisUnavailable.
 */
export async function takeUpReplay(name: string, state: SinkState, store: Pick<Store, 'page'>): Promise<SinkState> {
  const [wish] = await store.page(replayStream(name), { order: 'newest', limit: 1 })
  const cursor = wish?.entry.cursor ?? ''
  if (!wish || wish.id === state.replayed || !entryId.test(cursor)) return state
  const [newest] = await store.page(eventStream, { order: 'newest', limit: 1 })
  return { ...state, cursor, replayUntil: newest?.id ?? '', replayed: wish.id }
}
