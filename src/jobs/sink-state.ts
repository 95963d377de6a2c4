import type { Store } from '../adapters/store/index.ts'
import { readSinkState, type SinkState, sinkStream } from '../domain/event/sink-state.ts'

/** How far a sink is; undefined for one that nothing is known of. Throws RedisUnavailable. */
export async function readState(name: string, store: Pick<Store, 'page'>): Promise<SinkState | undefined> {
  const [newest] = await store.page(sinkStream(name), { order: 'newest', limit: 1 })
  return readSinkState(newest?.entry.json)
}

/** Lost without Redis: what was sent since is then sent again. */
export async function writeState(name: string, state: SinkState, store: Pick<Store, 'append'>): Promise<void> {
  await store.append(sinkStream(name), { json: JSON.stringify(state) }, { maxLength: 1 })
}
