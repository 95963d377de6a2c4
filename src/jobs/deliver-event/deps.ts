import type { Deliver, OpenSink } from '../../adapters/sinks/index.ts'
import type { Store } from '../../adapters/store/index.ts'
import type { Sink } from '../../domain/event/sink.ts'
import type { Enqueue } from '../../domain/work/job.ts'
import type { Logger } from '../../lib/logger.ts'
import type { Requests } from '../requests.ts'

/** What deliveries work with. */
export type DeliverEventDeps = {
  sinks: readonly Sink[]
  store: Pick<Store, 'append' | 'page'>
  deliver: Deliver
  /** Reads its secrets; throws SinkRefused where a file of them cannot be read. */
  open: (sink: Sink) => OpenSink
  requests: Pick<Requests, 'read' | 'end'>
  enqueue: Enqueue
  log: Logger
  now: () => Date
}
