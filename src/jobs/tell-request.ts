import { type EventSource, makeEvent } from '../domain/event/event.ts'
import type { Request } from '../domain/work/request.ts'
import type { History } from './history.ts'

/** Tells that what somebody asked for was written: a suspension, its end, an approval or a rollback. `words`: what it came to. */
export async function tellRequest(
  { namespace, name, by, at, ask }: Request,
  { kind, words }: { kind: EventSource['kind']; words: string },
  { history }: { history?: History },
): Promise<void> {
  if (!history || !('change' in ask) || ask.kind === 'deliver-event') return
  const why = 'why' in ask ? ask.why : ''
  const event = makeEvent({
    type: ask.change,
    metadata: { user: by, ...(why === '' ? {} : { message: why }), ...('commit' in ask ? { commit: ask.commit } : {}) },
    source: { kind, namespace, name },
    startedAt: at,
    endedAt: at,
    ...(ask.change === 'suspend' ? { reason: 'Suspended' } : {}),
    ...('commit' in ask ? { commit: ask.commit } : {}),
    message: `${words}, by ${by}${why === '' ? '' : `: ${why}`}`,
  })
  await history.tell([event])
}
