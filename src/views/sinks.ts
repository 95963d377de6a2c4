import type { Store } from '../adapters/store/index.ts'
import type { Sink } from '../domain/event/sink.ts'
import { freshState, readSinkState, type SinkState, sinkStream } from '../domain/event/sink-state.ts'

/** How a sink fares. */
export type SinkRow = Pick<Sink, 'name' | 'type'> & Pick<SinkState, 'failures' | 'failure' | 'deliveredAt'>

export type SinksView = {
  /** Of the jobs that deliver. */
  namespace: string
  names: readonly string[]
  /** Throws RedisUnavailable. */
  list(): Promise<SinkRow[]>
}

export function createSinksView(
  sinks: readonly Pick<Sink, 'name' | 'type'>[],
  { namespace, store }: { namespace: string; store: Pick<Store, 'page'> },
): SinksView {
  return {
    namespace,
    names: sinks.map(({ name }) => name),
    list: async () =>
      await Promise.all(
        sinks.map(async ({ name, type }) => {
          const [newest] = await store.page(sinkStream(name), { order: 'newest', limit: 1 })
          const { failures, failure, deliveredAt } = readSinkState(newest?.entry.json) ?? freshState
          return { name, type, failures, failure, deliveredAt }
        }),
      ),
  }
}
