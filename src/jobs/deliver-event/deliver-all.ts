import { AppError, toAppError } from '../../domain/error.ts'
import type { StoredEvent } from '../../domain/event/event.ts'
import { isWanted } from '../../domain/event/filter.ts'
import { ageRuleOf, type Sink } from '../../domain/event/sink.ts'
import { freshState, type SinkState } from '../../domain/event/sink-state.ts'
import { eventStream, readEvent } from '../../domain/event/stored.ts'
import type { Outcome } from '../../domain/work/job.ts'
import { readState, takeUpReplay, writeState } from '../sink-state.ts'
import type { DeliverEventDeps } from './deps.ts'

const block = 100
/** What waited for longer is no news any more; the type of the sink says what becomes of it. A replay sends all. */
const newsForMs = 24 * 3_600_000

/** Everything after the sink's cursor, also where that is set back meanwhile: who wants a replay has it noted, and only this sends. */
export async function deliverAll(sink: Sink, deps: DeliverEventDeps, signal: AbortSignal): Promise<Outcome> {
  let state = (await readState(sink.name, deps.store)) ?? freshState
  const counts = { sent: 0, refused: 0, old: 0 }
  const keep = async (next: SinkState) => {
    state = next
    await writeState(sink.name, next, deps.store)
  }
  for (;;) {
    signal.throwIfAborted()
    const rewound = await takeUpReplay(sink.name, state, deps.store)
    if (rewound !== state) await keep(rewound)
    const cursor = state.cursor === '' ? {} : { cursor: state.cursor }
    const entries = await deps.store.page(eventStream, { order: 'oldest', limit: block, ...cursor })
    for (const { id, entry } of entries) {
      const event = readEvent(id, entry.json)
      const isDue = event && isWanted(event, sink.filter)
      const fate = isDue ? await deliverOne(event, { sink, state, keep }, deps, signal) : undefined
      if (fate) counts[fate]++
      const sent = fate === 'sent' ? { deliveredAt: deps.now().toISOString(), failures: 0, failure: '' } : {}
      // what is not for this sink is passed over without a write each
      if (fate) await keep({ ...state, ...sent, cursor: id })
      else state = { ...state, cursor: id }
    }
    if (entries.length < block) break
  }
  await keep(state)
  return { end: 'done', summary: summaryOf(counts) }
}

type Progress = { sink: Sink; state: SinkState; keep: (next: SinkState) => Promise<void> }
type Fate = 'sent' | 'refused' | 'old'

async function deliverOne(
  event: StoredEvent,
  { sink, state, keep }: Progress,
  deps: DeliverEventDeps,
  signal: AbortSignal,
): Promise<Fate | undefined> {
  const rule = isOld(event, state, deps.now()) ? ageRuleOf(sink.type) : 'sent'
  if (rule === 'left-out') return 'old'
  try {
    return (await deps.deliver(event, deps.open(sink), signal)) ? 'sent' : undefined
  } catch (error) {
    signal.throwIfAborted()
    const { reason, message, retry } = toAppError(error)
    if (retry === 'never' || (rule === 'tried' && reason === 'SinkRefused')) {
      deps.log.warn({ sink: sink.name, event: event.id, reason }, `${message}; this event is not sent`)
      return 'refused'
    }
    await keep({ ...state, failures: state.failures + 1, failure: `${reason}: ${message}` })
    throw new AppError(reason, message, { retry, cause: error })
  }
}

function isOld({ id, endedAt }: StoredEvent, { replayUntil }: SinkState, now: Date): boolean {
  const isReplayed = replayUntil !== '' && compareIds(id, replayUntil) <= 0
  return !isReplayed && now.getTime() - Date.parse(endedAt) > newsForMs
}

function compareIds(one: string, other: string): number {
  const [[a = 0, b = 0], [c = 0, d = 0]] = [one, other].map((id) => id.split('-').map(Number)) as [number[], number[]]
  return a === c ? b - d : a - c
}

function summaryOf({ sent, refused, old }: Record<Fate, number>): string {
  const words = [`${sent} sent`, refused > 0 ? `${refused} refused` : '', old > 0 ? `${old} too old` : '']
  return words.filter(Boolean).join(', ')
}
