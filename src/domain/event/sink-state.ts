import { entryId } from './stored.ts'

/** How far a sink is; kept beside the events, and lost with them. */
export type SinkState = {
  /** The last event that was sent or left out; empty for none. */
  cursor: string
  /** Up to this event all are sent, however old they are; empty where nobody asked for it. */
  replayUntil: string
  /** The last wish for a replay that was taken up; empty for none. */
  replayed: string
  /** Tries in a row that failed. */
  failures: number
  /** Why the last one did; empty when it did not. */
  failure: string
  /** RFC 3339; empty for never. */
  deliveredAt: string
}

export const freshState: SinkState = {
  cursor: '',
  replayUntil: '',
  replayed: '',
  failures: 0,
  failure: '',
  deliveredAt: '',
}

/** The stream whose newest entry is the state of a sink: other than a value, it says when it cannot be read. */
export function sinkStream(name: string): string {
  return `sink:${name}`
}

/** The stream whose newest entry is the last wish for a replay: `cursor` is where it begins. Only the delivery of the sink acts on it. */
export function replayStream(name: string): string {
  return `sink-replay:${name}`
}

/** Redis is untrusted (hazard B7): anything odd is as if it were not there. */
export function readSinkState(text: string | undefined): SinkState | undefined {
  try {
    const found = JSON.parse(text ?? 'null') as Omit<SinkState, 'replayed'> & { replayed?: string }
    const { cursor, replayUntil, replayed = '', failures, failure, deliveredAt } = found
    const areIds = [cursor, replayUntil, replayed].every((id) => id === '' || entryId.test(id))
    const areTexts = typeof failure === 'string' && typeof deliveredAt === 'string'
    if (!areIds || !areTexts || !Number.isInteger(failures)) return undefined
    return { cursor, replayUntil, replayed, failures, failure, deliveredAt }
  } catch {
    return undefined
  }
}
